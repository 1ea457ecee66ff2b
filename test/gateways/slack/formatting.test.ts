import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { messageTexts, sectionMax } from "../../../gateways/slack/src/message-text.ts";
import { escapeText, toMrkdwn } from "../../../gateways/slack/src/mrkdwn.ts";
import { mentionedUsers, plainText, withoutLeadingMention } from "../../../gateways/slack/src/plain-text.ts";
import { visibleText } from "../../support/platforms/slack/visible-text.ts";

test("Markdown becomes Slack's markup", () => {
  const cases = [
    ["**a** __b__ *c* _d_ ~~e~~ `f`", "*a* *b* _c_ _d_ ~e~ `f`"],
    ["***a***", "_*a*_"],
    ["un**believ**able", "un\u200B*believ*\u200Bable"],
    ["**two\nlines**", "*two*\n*lines*"],
    ["# A *b* **c**\n\ntext", "*A _b_ c*\n\ntext"],
    ["snake_case_name 2 * 3 * 4", "snake_case_name 2 * 3 * 4"],
    ["- a\n- b\n  - c\n\n1. d\n2. e", "• a\n• b\n    • c\n\n1. d\n2. e"],
    ["3. a\n4. b", "3. a\n4. b"],
    ["- [ ] a\n- [x] b", "☐ a\n☑ b"],
    ["> a\n> b\n\nc", "> a\n> b\n\nc"],
    ["a\n\n---\n\nb", "a\n\n──────────\n\nb"],
    ["```js title=<x>\ny\n```", "title=&lt;x&gt;\n```\ny\n```"],
    ["```word> two\ny\n```", "word&gt; two\n```\ny\n```"],
    ["```js\nif (a < b && c) {}\n\n\nx\n```", "```\nif (a &lt; b &amp;&amp; c) {}\n\n\nx\n```"],
    ["[a & b](https://x.y/?q=1&r=<2>)", "<https://x.y/?q=1&amp;r=%3C2%3E|a &amp; b>"],
    ["https://x.y and <https://z.w> and a@b.c", "<https://x.y> and <https://z.w> and <mailto:a@b.c>"],
    ["![cat](https://x.y/cat.png)", "<https://x.y/cat.png|cat>"],
    ["[x](javascript:alert(1)) [y](/z) [w](!here)", "x (javascript:alert(1)) y (/z) w (!here)"],
    ["|a|b|\n|-|-|\n|long|`c`|", "```\na    | b\n-----|----\nlong | `c`\n```"],
    ["a &lt;b&gt; &amp;lt; &copy; <b>c</b>", "a &lt;b&gt; &amp;lt; &amp;copy; &lt;b&gt;c&lt;/b&gt;"],
    ["\\*a\\* \\<b", "*a* &lt;b"],
    ["[a]: https://x.y", "[a]: https://x.y"],
    ["``a`b`` ```` ``` ````", "a`b `\u200B``"],
    ["a  \nb", "a\nb"],
    [" \n ", ""],
  ] as const;
  for (const [markdown, mrkdwn] of cases) assert.equal(toMrkdwn(markdown), mrkdwn, markdown);
});

const hostilePiece = fc.oneof(
  fc.constantFrom(
    ..."<!channel>|<!here|x>|<@U1>|<#C1>|<!subteam^S1>|<!date^1^x|y>|<https://a.b|c>|[x](!channel)|[x](<!here>)".split(
      "|",
    ),
    ..."&|&lt;|&amp;|<|>|\\<|`|``|```|~~~|````|*|**|_|~~|[|](|)|#|>|-|1.|    |\t|\n|\n\n|\n> |\n- |\n```\n|\n| a |\n|-|\n|\0|👩‍👩‍👧|é|𝒳".split(
      "|",
    ),
  ),
  fc.string({ unit: "grapheme", maxLength: 20 }),
);
const hostile = fc.array(hostilePiece, { maxLength: 60 }).map((pieces) => pieces.join(""));
const long = fc
  .tuple(hostile, fc.integer({ min: 1, max: 400 }))
  .map(([text, times]) => text.repeat(times).slice(0, 12_000));

test("whatever a model writes, it names nobody, and its parts are whole", () => {
  fc.assert(
    fc.property(fc.oneof(hostile, long), (markdown) => {
      const parts = messageTexts(markdown.toWellFormed());
      assert.equal(
        parts.length === 0,
        markdown.replaceAll(/[\0\u0001]/g, "").trim() === "",
        "only what is blank has no parts",
      );
      for (const part of parts) {
        assert.notEqual(part.trim(), "");
        assert.equal(part.length <= sectionMax, true, `${part.length} characters`);
        assert.equal(part.isWellFormed(), true);
        assert.doesNotMatch(
          part.replaceAll(/<(https?:\/\/|mailto:|tel:)[^<>\s]([^<>|\n]*)(\|[^<>|\n]*)?>/gi, ""),
          /[<]/,
        );
        assert.doesNotMatch(part, /&(?!(amp|lt|gt);)/);
        assert.equal((part.match(/```/g) ?? []).length % 2, 0, "a code block is open");
      }
    }),
    { numRuns: 150 },
  );
});

const word = fc.integer({ min: 0, max: 99_999 }).map((number) => `w${number}`);
const words = fc.array(word, { minLength: 1, maxLength: 80 }).map((each) => each.join(" "));
const block = fc.oneof(
  words,
  words.map((text) => `**${text}** *${text}* ~~${text}~~ \`${text}\``),
  words.map((text) => `# ${text}`),
  words.map((text) => `> ${text}`),
  fc.array(words, { minLength: 1, maxLength: 12 }).map((items) => items.map((item) => `- ${item}`).join("\n")),
  fc.array(words, { minLength: 1, maxLength: 40 }).map((lines) => `\`\`\`js\n${lines.join("\n")}\n\`\`\``),
  fc
    .array(word, { minLength: 1, maxLength: 40 })
    .map((cells) => `| a |\n|---|\n${cells.map((cell) => `| ${cell} |`).join("\n")}`),
  fc.tuple(word, word).map(([label, path]) => `[${label}](https://x.y/?a=1&b=${path})`),
);

test("of a text in parts every word is read, in its order", () => {
  fc.assert(
    fc.property(fc.array(block, { minLength: 1, maxLength: 12 }), (blocks) => {
      const markdown = blocks.join("\n\n");
      const written = markdown.replaceAll(/\]\([^)]*\)/g, "]").match(/\bw\d+\b/g);
      const read = messageTexts(markdown)
        .map((part) => visibleText(part))
        .join("\n")
        .match(/w\d+/g);
      assert.deepEqual(read, written);
    }),
    { numRuns: 60 },
  );
});

test("what people write is read as they wrote it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.equal(
        plainText(escapeText(text), () => undefined),
        text,
      );
    }),
  );
});

test("mentions are found by id; only one of the bot that begins a text goes", () => {
  assert.deepEqual(mentionedUsers("<@U1> <@U2|two> <@U1> &lt;@U3&gt; <#C1> <!here>"), ["U1", "U2"]);
  assert.equal(withoutLeadingMention("<@U1> /reset", "U1"), "/reset");
  assert.equal(withoutLeadingMention("<@U1|bot>: /reset", "U1"), "/reset");
  assert.equal(withoutLeadingMention("<@U2> /reset", "U1"), "<@U2> /reset");
  assert.equal(withoutLeadingMention("<@U1> hello /reset", "U1"), "hello /reset");
  assert.equal(withoutLeadingMention("<@U1> ", "U1"), "<@U1> ");
});

test("a text without an end is cut in time", () => {
  for (const text of ["&", "`", "**a ", "[", "<", "> ", "- ", "|a", "😀"]) {
    const parts = messageTexts(text.repeat(6_000));
    assert.equal(
      parts.every((part) => part.length <= sectionMax),
      true,
      text,
    );
  }
});
