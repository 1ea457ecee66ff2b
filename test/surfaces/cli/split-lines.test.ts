import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { splitLines } from "../../../src/surfaces/cli/input/split-lines.ts";

async function linesOf(chunks: (Uint8Array | string)[], bytesMax?: number) {
  async function* stream() {
    yield* chunks;
  }
  return Array.fromAsync(splitLines(stream(), bytesMax));
}
const line = (text: string) => ({ kind: "line", text });

test("lines end at a line feed only, with or without a carriage return", async () => {
  assert.deepEqual(await linesOf(["one\r\ntwo\u2028still two\n\nlast"]), [
    line("one"),
    line("two\u2028still two"),
    line(""),
    line("last"),
  ]);
});

test("a stream cut into any pieces gives the same lines", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme" }).map((text) => text.replaceAll(/[\r\n]/gu, ""))),
      fc.integer({ min: 1, max: 7 }),
      async (texts, size) => {
        const bytes = Buffer.from(texts.map((text) => `${text}\n`).join(""));
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
          bytes.subarray(at * size, (at + 1) * size),
        );
        assert.deepEqual(
          await linesOf(chunks),
          texts.map((text) => line(text.toWellFormed())),
        );
      },
    ),
  );
});

test("a line without an end is not kept past the bound, and the next line is read", async () => {
  assert.deepEqual(await linesOf(["aaaa", "aaaa", "aaaa\nnext\n"], 8), [
    { kind: "too_long", bytesMax: 8 },
    line("next"),
  ]);
});
