import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { splitMarkdown } from "@duragent/gateway-protocol";
import fc from "fast-check";

const units = (max: number) => ({ max, size: (text: string) => text.length });
const codePoints = (max: number) => ({ max, size: (text: string) => Array.from(text).length });

const words = fc
  .array(fc.lorem({ maxCount: 40, size: "max" }), { maxLength: 12, size: "max" })
  .map((lines) => lines.join(" "));
const hostile = fc.string({
  unit: fc.constantFrom(
    "`",
    "```",
    "\n",
    "\n\n",
    "*",
    "**",
    "__",
    "~~",
    "||",
    "[a](http://b.c)",
    "👨‍👩‍👧",
    "é",
    " ",
    "x",
    "~~~",
    "> ",
    "\\",
    "<a>",
  ),
  maxLength: 900,
  size: "max",
});
const block = fc
  .tuple(fc.constantFrom("```", "~~~", "````"), fc.constantFrom("", "js", "python title"), words)
  .map(([mark, language, text]) => `${mark}${language}\n${text.replaceAll(". ", "\n  ")}\n${mark}`);
const inline = fc
  .tuple(fc.constantFrom("**", "_", "~~", "`", "||"), words)
  .map(([mark, text]) => (text === "" ? "" : `${mark}${text}${mark}`));
const document = fc
  .array(fc.oneof(words, block, inline, fc.string({ unit: "grapheme", maxLength: 400, size: "max" })), {
    maxLength: 8,
    size: "max",
  })
  .map((blocks) => blocks.join("\n\n"));

const added = /[\s`*_~|]/g;

/** Whether all that is read of `text` stands in `parts` in its order; blanks, marks and what cuts add are left out. */
function holds(parts: readonly string[], text: string): boolean {
  const there = parts.join("").replaceAll(added, "");
  let at = 0;
  for (const character of text.replaceAll(added, "")) {
    at = there.indexOf(character, at) + character.length;
    if (at < character.length) return false;
  }
  return true;
}

function openFence(part: string): string | undefined {
  let open: string | undefined;
  for (const line of part.split("\n")) {
    const bare = line.replace(/^[ \t>]*/, "").trimEnd();
    if (open === undefined) open = /^[ \t>]*(`{3,45}|~{3,45})[^`\n]{0,60}$/.exec(line)?.[1];
    else if (bare.length >= open.length && bare === open.charAt(0).repeat(bare.length)) open = undefined;
  }
  return open;
}

describe("splitting Markdown into messages", () => {
  for (const [name, generated] of Object.entries({ "usual text": document, "hostile text": hostile })) {
    it(`loses nothing, leaves nothing blank and keeps the limit, for ${name}`, () => {
      fc.assert(
        fc.property(generated, fc.integer({ min: 200, max: 600 }), fc.boolean(), (text, max, inUnits) => {
          const limit = inUnits ? units(max) : codePoints(max);
          const parts = splitMarkdown(text, limit);
          for (const part of parts) {
            assert.notEqual(part.trim(), "");
            assert.ok(limit.size(part) <= max, `${limit.size(part)} > ${max}`);
            assert.ok(part.isWellFormed() || !text.isWellFormed());
            assert.equal(openFence(part), undefined, part);
          }
          assert.ok(holds(parts, text), "something is missing");
        }),
        { numRuns: 150 },
      );
    });
  }

  it("says nothing twice", () => {
    fc.assert(
      fc.property(words, (text) => {
        assert.equal(splitMarkdown(text, units(200)).join(" "), text.trim().replaceAll(/ +/g, " "));
      }),
    );
  });

  it("gives no part for blank text", () => {
    assert.deepEqual(splitMarkdown(" \n\t\n", units(200)), []);
  });

  it("leaves text that fits as it is", () => {
    assert.deepEqual(splitMarkdown("**a** b\n\n- c", units(200)), ["**a** b\n\n- c"]);
  });

  it("cuts after a paragraph where it can", () => {
    const [first, second] = [`${"a ".repeat(70)}.`, `${"b ".repeat(70)}.`];
    assert.deepEqual(splitMarkdown(`${first}\n\n${second}`, units(200)), [first, second]);
  });

  it("closes a code block and opens it again with its language", () => {
    const lines = Array.from({ length: 60 }, (_, index) => `  line ${index};`);
    const parts = splitMarkdown(["Look:", "```js", ...lines, "```", "Done."].join("\n"), units(200));
    assert.ok(parts.length > 2);
    for (const part of parts.slice(1, -1)) assert.match(part, /^```js\n {2}line[^]*\n```$/);
    assert.deepEqual(
      parts.flatMap((part) => part.split("\n").filter((line) => line.startsWith("  "))),
      lines,
    );
  });

  it("says again the language of a code block, and nothing else of its first line", () => {
    const code = Array.from({ length: 30 }, (_, index) => `line ${index};`).join("\n");
    for (const [info, again] of [
      ["js title=x", "js"],
      ["word> two", ""],
      [" c++ {1}", "c++"],
    ] as const) {
      const parts = splitMarkdown(`\`\`\`${info}\n${code}\n\`\`\``, units(200));
      assert.deepEqual(
        parts.map((part) => part.split("\n", 1)[0]),
        parts.map((_, index) => `\`\`\`${index === 0 ? info : again}`),
      );
    }
  });

  it("opens bold text again in the next part", () => {
    const parts = splitMarkdown(`**${"word ".repeat(60)}end** and more`, units(200));
    assert.equal(parts.length, 2);
    assert.match(parts[0] ?? "", /^\*\*word[^*]*\*\*$/);
    assert.match(parts[1] ?? "", /^\*\*word[^*]*end\*\* and more$/);
  });

  it("does not begin a part's end with the first line of a code block", () => {
    const parts = splitMarkdown(`${"a ".repeat(95)}\n\`\`\`\ncode here that is long enough\n\`\`\``, units(200));
    assert.equal(parts.length, 2);
    assert.match(parts[1] ?? "", /^```\ncode/);
  });

  it("keeps a link whole", () => {
    const link = "[a text of words](https://example.com/a/long/way)";
    const parts = splitMarkdown(`${"a ".repeat(90)}${link} ${"b ".repeat(90)}`, units(200));
    assert.equal(parts.filter((part) => part.includes(link)).length, 1);
  });

  it("takes time that grows with the text and not with its square", () => {
    assert.ok(splitMarkdown("*".repeat(100_000), units(2000)).length > 49);
  });
});
