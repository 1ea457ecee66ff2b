import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { terminalLine, terminalText } from "../../src/domain/terminal-text.ts";

const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/u;

for (const [what, given, shown] of [
  ["a colour", "\u001b[31mred\u001b[0m", "␛[31mred␛[0m"],
  ["a window title", "\u001b]0;owned\u0007", "␛]0;owned␇"],
  ["a one-byte CSI", "\u009b2J", "<U+009B>2J"],
  ["a backspace that would hide text", "rm -rf /\b\b\b\b", "rm -rf /␈␈␈␈"],
  ["a lone carriage return", "safe\rgone", "safe␍gone"],
  ["the end of a line of Windows", "one\r\ntwo", "one\ntwo"],
  ["an override of the direction", "\u202etxt.exe", "<U+202E>txt.exe"],
  ["delete", "a\u007fb", "a␡b"],
  ["NUL", "a\u0000b", "a␀b"],
] as const) {
  test(`${what} is shown, not obeyed`, () => {
    assert.equal(terminalText(given), shown);
  });
}

test("ordinary text, line feeds, tabs, accents and emoji stay as they are", () => {
  const text = "Grüße,\n\t你好 👩‍👩‍👧 — fin";
  assert.equal(terminalText(text), text);
});

test("nothing that a terminal obeys is left of any text, whole or in pieces", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.nat(), (text, at) => {
      const cut = text.length === 0 ? 0 : at % text.length;
      assert.doesNotMatch(terminalText(text), obeyed);
      assert.doesNotMatch(terminalText(text.slice(0, cut)) + terminalText(text.slice(cut)), obeyed);
    }),
  );
});

test("a line is one line, cut with an ellipsis and never inside a surrogate pair", () => {
  assert.equal(terminalLine("one\n  two\tthree "), "one two three");
  assert.equal(terminalLine("abcdef", 4), "abc…");
  assert.equal(terminalLine("ab👍👍", 4), "ab…");
});
