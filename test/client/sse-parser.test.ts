import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";

import { encodeComment, encodeFrame } from "../../src/domain/stream/sse-frame.ts";
import { parseSse, type SseItem } from "../../src/client/sse-parser.ts";

async function parsed(bytes: Uint8Array, cuts: readonly number[]): Promise<SseItem[]> {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
  async function* chunks() {
    for (const [index, end] of places.slice(1).entries()) yield bytes.subarray(places[index], end);
  }
  return Array.fromAsync(parseSse(chunks()));
}

const message = fc.record(
  { id: fc.constantFrom("1", "2.3.ABCDEFGH"), event: fc.constantFrom("token", "user_message"), data: fc.json() },
  { noNullPrototype: true },
);

test("however the bytes are cut, also inside characters, the events are the same", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.option(message)), fc.array(fc.nat()), async (items, cuts) => {
      const bytes = Buffer.concat(
        items.map((item) => (item === null ? encodeComment("keep-alive") : encodeFrame(item))),
      );
      assert.deepEqual(await parsed(bytes, cuts), items);
    }),
  );
});

test("all three line ends are read, also when cut in the middle", async () => {
  const expected = [{ id: "1", event: "a", data: "x\ny" }];
  for (const end of ["\n", "\r\n", "\r"]) {
    const bytes = Buffer.from(["id: 1", "event:a", "data: x", "data:y", "", ""].join(end));
    for (let cut = 0; cut <= bytes.length; cut++)
      assert.deepEqual(await parsed(bytes, [cut]), expected, `${JSON.stringify(end)} at ${cut}`);
  }
});

test("an event whose empty line never came is dropped, and U+2028 ends no line", async () => {
  assert.deepEqual(await parsed(Buffer.from("data: a\u2028b\n\ndata: c\n"), []), [
    { event: "message", data: "a\u2028b" },
  ]);
});
