import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { format } from "../../../gateways/telegram/src/format.ts";
import { textOf, toHtml, toPlainText } from "../../../gateways/telegram/src/rich-text.ts";
import { messageParts } from "../../../gateways/telegram/src/split.ts";
import { parseHtml, wrongNesting } from "../../support/platforms/telegram/parse-html.ts";
import { hostileMarkdown, usualMarkdown } from "./markdown.ts";

const cases: readonly (readonly [name: string, markdown: string, html: string])[] = [
  [
    "bold, italic, struck and hidden text",
    "**b** *i* _i_ ~~s~~ ||h||",
    "<b>b</b> <i>i</i> <i>i</i> <s>s</s> <tg-spoiler>h</tg-spoiler>",
  ],
  ["one inside of another", "**b *i* b**", "<b>b <i>i</i> b</b>"],
  ["code, which holds nothing else and is in nothing else", "**a `x<y` b**", "<b>a </b><code>x&lt;y</code><b> b</b>"],
  [
    "a code block with its language",
    "```js\na && b\n```",
    '<pre><code class="language-js">a &amp;&amp; b</code></pre>',
  ],
  ["a code block without a language", "```\nx\n```", "<pre>x</pre>"],
  ["what follows a fence and is no language", "```word> two\nx\n```", "word&gt; two\n<pre>x</pre>"],
  ["what follows a language", "```js title=x\ny\n```", 'title=x\n<pre><code class="language-js">y</code></pre>'],
  ["what follows a fence without code", "```js title=x\n```", "title=x"],
  ["a link", '[t **b**](https://a.b/?c=d&e="f")', '<a href="https://a.b/?c=d&amp;e=&quot;f&quot;">t <b>b</b></a>'],
  ["a link with code in it, of which Telegram has none", "[`f()`](https://a.b)", '<a href="https://a.b">f()</a>'],
  ["the address of a link that could do more than open a page", "[t](javascript:alert(1))", "t (javascript:alert(1))"],
  ["a mention in disguise as the text it is", "[t](tg://user?id=1)", "t (tg://user?id=1)"],
  ["an image as a link", "![alt](https://a.b/c.png)", '<a href="https://a.b/c.png">alt</a>'],
  ["headings in bold", "# One **two**\n\ntext", "<b>One two</b>\n\ntext"],
  ["lists", "- a\n- b\n  - c\n\n3. d\n4. e", "• a\n• b\n   • c\n\n3. d\n4. e"],
  ["tasks", "- [x] a\n- [ ] b", "☑ a\n☐ b"],
  ["quotations, of which only one surrounds", "> a\n> > b", "<blockquote>a\n\nb</blockquote>"],
  ["tables as aligned text", "| a | bb |\n|---|---:|\n| cc | d |", "<pre>a  │ bb\n───┼───\ncc │  d</pre>"],
  ["a rule", "a\n\n---\n\nb", "a\n\n──────────\n\nb"],
  ["HTML as the text it is", "<script>x</script> a <b>b</b>", "&lt;script&gt;x&lt;/script&gt; a &lt;b&gt;b&lt;/b&gt;"],
  ["underlined text, for which Markdown has HTML only", "<u>x</u>", "<u>x</u>"],
  ["entities as what they stand for", "a &lt; b &amp;&#33; &unknown;", "a &lt; b &amp;! &amp;unknown;"],
  ["escaped marks", "\\*a\\* 2 * 3 * 4 snake_case_name", "*a* 2 * 3 * 4 snake_case_name"],
  ["line breaks where they are", "a\nb<br>c", "a\nb\nc"],
  ["a definition that nothing refers to", "[1]: https://a.b/c", "[1]: https://a.b/c"],
];

/** Without those that say how something is to be shown. */
function saidWords(markdown: string): string[] {
  return markdown.replaceAll(/^(?:```+|~~~+)\w*$|http:/gm, "").match(/(?<![<&/])\b[a-z]{3,}\b/g) ?? [];
}

describe("Markdown for Telegram", () => {
  for (const [name, markdown, html] of cases) {
    it(`shows ${name}`, () => assert.equal(toHtml(format(markdown)), html));
  }

  it("names the address of a link where there is no HTML", () => {
    assert.equal(
      toPlainText(format("see [**the** page](https://a.b) or https://c.d")),
      "see the page (https://a.b) or https://c.d",
    );
  });

  it("shows what is nested deeper than can be read as it was written", () => {
    const deep = ">".repeat(5_000);
    assert.ok(textOf(format(deep)).includes(">>>"));
    // With some depths the library can still read it, and this program not show what it says.
    for (const depth of [500, 1_000, 1_500, 2_000, 3_000, 8_000]) {
      for (const mark of ["> ", "- "]) assert.ok(textOf(format(`${mark.repeat(depth)}end`)).includes("end"));
    }
  });

  for (const [name, generated] of Object.entries({ "usual text": usualMarkdown, "hostile text": hostileMarkdown })) {
    it(`is taken by Telegram with every tag in its place, for ${name}`, () => {
      fc.assert(
        fc.property(generated, (markdown) => {
          for (const { html, plain } of messageParts(markdown)) {
            const { text, entities } = parseHtml(html);
            assert.equal(wrongNesting(entities), undefined);
            assert.notEqual(text.trim(), "");
            assert.notEqual(plain.trim(), "");
            assert.ok(html.isWellFormed());
          }
        }),
        { numRuns: 120 },
      );
    });

    it(`loses no word of ${name}`, () => {
      fc.assert(
        fc.property(generated, (markdown) => {
          const shown = textOf(format(markdown)).replaceAll(/\W/g, "");
          let at = 0;
          for (const word of saidWords(markdown)) {
            const found = shown.indexOf(word, at);
            assert.notEqual(found, -1, `${word} is missing in ${shown}`);
            at = found;
          }
        }),
        { numRuns: 120 },
      );
    });
  }
});
