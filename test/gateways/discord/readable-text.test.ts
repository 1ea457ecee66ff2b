import assert from "node:assert/strict";
import test from "node:test";

import { splitMarkdown } from "@duragent/gateway-protocol";
import fc from "fast-check";

import { readableText } from "../../../gateways/discord/src/readable-text.ts";

const names = {
  bot: { id: "42", name: "Dura", roleId: "43" },
  user: (id: string) => (id === "7" ? "ann" : undefined),
  role: () => undefined,
  channel: () => undefined,
};
const piece = fc.oneof(
  fc.string({ unit: "grapheme" }),
  fc.constantFrom(
    "<@42>",
    "<@!42>",
    "<@&43>",
    "<@7>",
    "<@8>",
    "<#9>",
    "<t:1:R>",
    "<:x:1>",
    "</a b:1>",
    "```",
    "\n\n",
    "**",
  ),
);
const said = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(""));

test("takes away only how the bot was addressed, and never all of a text", () => {
  fc.assert(
    fc.property(said, (content) => {
      const text = readableText(content, names);
      assert.doesNotMatch(text, /<@!?42>|<@7>/);
      assert.equal(text === "", content.trim() === "");
    }),
  );
});

test("leaves a text without ids as it is", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (content) => {
      fc.pre(!/[<]/.test(content));
      assert.equal(readableText(content, names), content.trim());
    }),
  );
});

test("every part of an answer is one that Discord takes", () => {
  const size = (markdown: string): number => Array.from(markdown).length;
  const long = fc.array(fc.tuple(piece, fc.nat(900)), { maxLength: 12 });
  fc.assert(
    fc.property(long, (pieces) => {
      const text = pieces
        .map(([one, times]) => one.repeat(times))
        .join(" ")
        .slice(0, 20_000)
        .toWellFormed();
      for (const part of splitMarkdown(text, { max: 2_000, size })) {
        assert.ok(size(part) <= 2_000 && part.trim() !== "" && part.isWellFormed());
      }
    }),
    { numRuns: 60 },
  );
});
