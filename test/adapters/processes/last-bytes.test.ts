import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { LastBytes } from "../../../src/adapters/processes/last-bytes.ts";

test("the last bytes are those that slicing the whole gives, however it comes in pieces", () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 20 });
  fc.assert(
    fc.property(pieces, fc.integer({ min: 1, max: 16 }), (all, max) => {
      const last = new LastBytes(max);
      for (const piece of all) last.add(piece);
      assert.deepEqual(last.bytes, Buffer.concat(all).subarray(-max));
    }),
  );
});
