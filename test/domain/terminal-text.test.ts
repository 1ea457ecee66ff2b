import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { terminalCommand, terminalJson, terminalLine, terminalText } from "../../src/domain/terminal-text.ts";
import { lookalikes, terminalEscapes } from "../tables/terminal-escapes.ts";

const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\p{Bidi_Control}\u2028\u2029]/u;
/** Shown as nothing, or as a blank that is none. */
const unseen = /[\p{Default_Ignorable_Code_Point}\p{Cf}\u2800]|[^\P{Z} ]/u;

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

test("nothing of the table is obeyed as a text, a line, a command or JSON, wherever it is cut in two", () => {
  assert.ok(Object.keys(terminalEscapes).length >= 30);
  for (const [name, text] of Object.entries(terminalEscapes)) {
    assert.notEqual(terminalText(text), text, name);
    for (let at = 0; at <= text.length; at++)
      assert.doesNotMatch(terminalText(text.slice(0, at)) + terminalText(text.slice(at)), obeyed, `${name} at ${at}`);
    for (const shown of [terminalText(text), terminalLine(text), terminalCommand(text), terminalJson({ [text]: text })])
      assert.doesNotMatch(shown, obeyed, name);
  }
});

test("no command of the table reads as another one", () => {
  for (const [name, command] of Object.entries({ ...terminalEscapes, ...lookalikes })) {
    const shown = terminalCommand(command);
    assert.notEqual(shown, command, name);
    assert.doesNotMatch(shown, unseen, name);
  }
});

test("an ordinary command is shown as it is, in every language and with emoji", () => {
  for (const command of ["git commit -m '✨ Grüße, 你好 ❤️ 👩‍👩‍👧 👍🏽'", "cat <<'E'\n\tindented\n\n        more\nE"])
    assert.equal(terminalCommand(command), command);
});

test("blanks and empty lines push nothing of a command out of sight", () => {
  assert.equal(terminalCommand(`ls${" ".repeat(500)}; rm x`), "ls⟨500 blanks⟩; rm x");
  assert.equal(terminalCommand(`rm x${"\n \t".repeat(200)}\nls`), "rm x\n⟨200 empty lines⟩\nls");
});

test("JSON for a terminal means what it meant", () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: "binary" }), fc.nat(3), (value, text, indent) => {
      const given = { value, text, [text]: 1 };
      const shown = terminalJson(given, indent);
      assert.doesNotMatch(shown, obeyed);
      assert.deepEqual(JSON.parse(shown), JSON.parse(JSON.stringify(given)));
    }),
  );
});
