import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { formatCursor, parseCursor } from "../../../src/domain/stream/cursor.ts";

test("a cursor is a seq, or a seq with the place in a running response", () => {
  assert.deepEqual(parseCursor("0"), { seq: 0 });
  assert.deepEqual(parseCursor("42"), { seq: 42 });
  assert.deepEqual(parseCursor("42.10.9ABCDEFG"), { seq: 42, offset: 10, call: "9ABCDEFG" });
});

test("what is no cursor is none", () => {
  const wrong = [
    "",
    " 1",
    "1 ",
    "-1",
    "+1",
    "1.5",
    "1.",
    "1.2.",
    ".1.a",
    "01",
    "1e3",
    "0x1",
    "1.2.a b",
    "1.2.a.b",
    "1\n2",
    "١",
    "9".repeat(16),
    "now",
  ];
  for (const text of wrong) assert.equal(parseCursor(text), null, JSON.stringify(text));
});

test("every cursor that is written reads back", () => {
  const cursor = fc.oneof(
    fc.record({ seq: fc.nat() }, { noNullPrototype: true }),
    fc.record({ seq: fc.nat(), offset: fc.nat(), call: fc.stringMatching(/^[0-9A-Z]{8}$/) }, { noNullPrototype: true }),
  );
  fc.assert(fc.property(cursor, (one) => assert.deepEqual(parseCursor(formatCursor(one)), one)));
});

test("any text is either a cursor that is written the same, or none", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const cursor = parseCursor(text);
      if (cursor !== null) assert.equal(formatCursor(cursor), text);
    }),
  );
});
