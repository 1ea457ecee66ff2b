import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import fc from "fast-check";

import { shownCall, shownLengthMax } from "../../../src/domain/session/shown-call.ts";

const digest = (text: string) => createHash("sha256").update(text).digest("hex");
const builtin = { type: "builtin" as const, text: "write_file" };

test("a call is shown with its arguments, on one line", () => {
  const call = { tool_name: "write_file", arguments: { path: "notes.txt", content: "hello\nthere" } };
  assert.equal(shownCall(builtin, call, digest), `write_file {"path":"notes.txt","content":"hello\\nthere"}`);
  const artifact = { tool_name: "artifact", arguments: { action: "list" } };
  assert.equal(shownCall({ type: "builtin", text: "artifact:list" }, artifact, digest), `artifact {"action":"list"}`);
});

test("a command line is shown as it is, and under it what else it is started with", () => {
  const described = { type: "bash" as const, text: "rm -r x" };
  const shown = (given: object) => shownCall(described, { tool_name: "bash", arguments: { ...given } }, digest);
  assert.equal(shown({ command: "rm -r x" }), "rm -r x");
  assert.equal(shown({ action: "spawn", command: "rm -r x" }), "rm -r x");
  assert.equal(shown({ command: "rm -r x", cwd: "src" }), `rm -r x\nbash {"cwd":"src"}`);
});

test("a long text is shortened in its middle, says by how much, and the whole by its digest", () => {
  const given = { path: "notes.txt", content: `begin${"x".repeat(50_000)}end` };
  const shown = shownCall(builtin, { tool_name: "write_file", arguments: given }, digest);
  assert.match(shown, /^write_file \{"path":"notes\.txt","content":"beginx+\[… 48008 characters left out …\]x+end"\}/);
  assert.ok(shown.endsWith(` (shortened; SHA-256 of the arguments: ${digest(JSON.stringify(given)).slice(0, 16)})`));
});

test("no call is shown longer than its limit, and no two different ones alike", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 30 });
  const long = fc.tuple(text, fc.integer({ min: 1, max: 300 })).map(([piece, times]) => piece.repeat(times));
  const given = fc.dictionary(text, fc.oneof(long, fc.array(long, { maxLength: 60 }), fc.integer()), { maxKeys: 60 });
  fc.assert(
    fc.property(given, given, (one, other) => {
      const [first, second] = [one, other].map((args) =>
        shownCall(builtin, { tool_name: "write_file", arguments: args }, digest),
      );
      assert.ok(first !== undefined && first.length <= shownLengthMax);
      assert.equal(first === second, JSON.stringify(one) === JSON.stringify(other));
    }),
    { numRuns: 60 },
  );
});
