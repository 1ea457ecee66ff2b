import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { LineReader, lineBytesMax, toLine } from "@duragent/gateway-protocol";

function linesOf(chunks: readonly Uint8Array[], bytesMax?: number): { lines: string[]; skipped: number } {
  const lines: string[] = [];
  const reader = new LineReader((line) => lines.push(line), bytesMax === undefined ? {} : { bytesMax });
  for (const chunk of chunks) reader.add(chunk);
  reader.end();
  return { lines, skipped: reader.skipped };
}

/** The bytes in pieces of the given sizes, over and over. */
function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let at = 0;
  for (let index = 0; at < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 5 });

test("what was written as lines is read as it was, however the stream is cut", () => {
  const message = fc.dictionary(fc.string(), fc.string({ unit: "binary" }));
  fc.assert(
    fc.property(fc.array(message), sizes, (messages, pieces) => {
      const bytes = new TextEncoder().encode(messages.map((one) => toLine(one)).join(""));
      const { lines } = linesOf(cut(bytes, pieces));
      assert.deepEqual(
        lines.map((line) => JSON.parse(line) as unknown),
        messages.map((one) => JSON.parse(JSON.stringify(one)) as unknown),
      );
    }),
  );
});

test("any bytes become lines without newlines, the same however they are cut, and nothing throws", () => {
  const bytes = fc.array(
    fc.oneof(fc.constantFrom(10, 13, 0xe2, 0x80, 0xa8, 0xff, 0xf0, 0x9f), fc.integer({ min: 0, max: 255 })),
  );
  fc.assert(
    fc.property(bytes, sizes, fc.integer({ min: 1, max: 20 }), (numbers, pieces, bytesMax) => {
      const stream = Uint8Array.from(numbers);
      const inOne = linesOf([stream], bytesMax);
      assert.deepEqual(linesOf(cut(stream, pieces), bytesMax), inOne);
      // By a second way: split first, bound and decode then.
      const parts = Buffer.from(stream).toString("latin1").split("\n");
      if (parts.at(-1) === "") parts.pop();
      const whole = parts.filter((part) => part.length <= bytesMax).map((part) => part.replace(/\r$/, ""));
      assert.deepEqual(
        inOne.lines,
        whole.map((part) => Buffer.from(part, "latin1").toString("utf8")),
      );
      assert.equal(inOne.skipped, parts.length - whole.length);
    }),
  );
});

test("a line that never ends is counted once and not kept", () => {
  const lines: string[] = [];
  const reader = new LineReader((line) => lines.push(line));
  const chunk = new Uint8Array(64 * 1024).fill(120);
  const before = process.memoryUsage();
  for (let index = 0; index < 4_000; index += 1) reader.add(chunk);
  const after = process.memoryUsage();
  assert.equal(reader.skipped, 1);
  assert.ok(after.arrayBuffers - before.arrayBuffers < 4 * lineBytesMax, "250 MB went by and were not kept");
  reader.add(Buffer.from("\n{}\n"));
  assert.deepEqual(lines, ["{}"]);
});

test("a line in pieces of one byte costs the memory of a line", () => {
  const reader = new LineReader(() => undefined);
  const piece = new Uint8Array(1).fill(120);
  const before = process.memoryUsage();
  for (let index = 0; index < lineBytesMax; index += 1) reader.add(piece);
  const after = process.memoryUsage();
  assert.ok(after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed < 16 * lineBytesMax);
});

test("a message that is too long for a line is refused before it is written", () => {
  assert.throws(() => toLine({ text: "x".repeat(lineBytesMax) }), RangeError);
  assert.equal(Buffer.byteLength(toLine({ text: "x".repeat(lineBytesMax - 11) })), lineBytesMax + 1);
});

test("a line has no character that some take for a line's end", () => {
  const line = toLine({ text: "a\n\r\u2028\u2029\u0085b" });
  assert.equal(/[\n\r\u2028\u2029]/.test(line.slice(0, -1)), false);
  assert.deepEqual(JSON.parse(line), { text: "a\n\r\u2028\u2029\u0085b" });
});
