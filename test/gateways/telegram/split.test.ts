import assert from "node:assert/strict";
import { describe, it } from "node:test";

import fc from "fast-check";

import { format } from "../../../gateways/telegram/src/format.ts";
import { textOf } from "../../../gateways/telegram/src/rich-text.ts";
import { messageParts } from "../../../gateways/telegram/src/split.ts";
import { parseHtml } from "../../support/platforms/telegram/parse-html.ts";
import { hostileMarkdown, usualMarkdown } from "./markdown.ts";

const blanks = /\s+/g;

describe("splitting for Telegram", () => {
  for (const [name, generated] of Object.entries({ "usual text": usualMarkdown, "hostile text": hostileMarkdown })) {
    it(`keeps the limit and all of the text, in order, for ${name}`, () => {
      fc.assert(
        fc.property(generated, fc.integer({ min: 40, max: 500 }), (markdown, max) => {
          const texts = messageParts(markdown, max).map(({ html, plain }) => {
            assert.ok(plain.length <= max);
            return parseHtml(html).text;
          });
          for (const text of texts) assert.ok(text.length <= max, `${text.length} > ${max}`);
          for (const text of texts) assert.ok(text.isWellFormed(), "a surrogate pair was cut");
          const whole = textOf(format(markdown)).replaceAll("\u0000", "\uFFFD").replaceAll(blanks, "");
          assert.equal(texts.join("").replaceAll(blanks, ""), whole);
        }),
        { numRuns: 120 },
      );
    });
  }

  it("counts what is read, not what is sent", () => {
    assert.equal(messageParts("&".repeat(4096)).length, 1);
    assert.equal(messageParts("&".repeat(4097)).length, 2);
    assert.equal(messageParts(`[${"a".repeat(4090)}](https://example.com/${"b".repeat(500)})`).length, 1);
  });

  it("counts UTF-16 units and leaves surrogate pairs whole", () => {
    const parts = messageParts(`a${"😀".repeat(4000)}`);
    assert.deepEqual(
      parts.map(({ html }) => html.length),
      [4095, 3906],
    );
  });

  it("leaves a family of joined characters whole", () => {
    const [first] = messageParts("👨‍👩‍👧".repeat(600));
    assert.ok(first?.html.endsWith("👧"));
  });

  it("closes a code block in each part and opens it again with its language", () => {
    const code = Array.from({ length: 90 }, (_, index) => `  const value${index} = ${index};`).join("\n");
    const parts = messageParts(`Look:\n\n\`\`\`ts\n${code}\n\`\`\`\n\nDone.`, 500);
    assert.ok(parts.length > 3);
    for (const { html } of parts.slice(1, -1))
      assert.match(html, /^<pre><code class="language-ts"> {2}const[^]*<\/code><\/pre>$/);
  });

  it("cuts before a paragraph, else a line, else a word", () => {
    const [paragraph, line, word] = ["\n\n", "\n", " "].map((gap) => `${"a ".repeat(130)}.${gap}${"b".repeat(300)}`);
    assert.equal(messageParts(paragraph ?? "", 500)[1]?.html, "b".repeat(300));
    assert.equal(messageParts(line ?? "", 500)[1]?.html, "b".repeat(300));
    assert.equal(messageParts(word ?? "", 500)[1]?.html, "b".repeat(300));
  });

  it("makes no message of blank text", () => {
    for (const blank of ["", " \n\n ", "\u00A0", "```\n\n```"]) assert.deepEqual(messageParts(blank), []);
  });

  it("stays quick where marks are many", () => {
    for (const text of ["_a".repeat(15_000), "[".repeat(100_000), "**a ".repeat(25_000), "||".repeat(20_000)])
      assert.ok(messageParts(text).length > 3);
  });
});
