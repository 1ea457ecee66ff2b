import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { backoffMs, retryDefaults } from "../../../src/domain/model/backoff.ts";

const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

test("each wait lies between nothing and twice the longest before it, up to the limit", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), random, (attempt, chance) => {
      const ms = backoffMs({ attempt, random: chance }, retryDefaults);
      assert.ok(Number.isInteger(ms) && ms >= 0 && ms <= Math.min(60_000, 500 * 2 ** (attempt - 1)));
    }),
  );
});

test("the longest waits are 0.5, 1, 2, 4 seconds and never more than the limit", () => {
  const longest = [1, 2, 3, 4, 20].map((attempt) => backoffMs({ attempt, random: 0.999_999 }, retryDefaults));
  assert.deepEqual(longest, [499, 999, 1999, 3999, 59_999]);
});

test("what the provider asks to wait for is waited for, even beyond the limit, and at most one base delay longer", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 600_000 }), random, (retryAfterMs, chance) => {
      const ms = backoffMs({ attempt: 1, retryAfterMs, random: chance }, retryDefaults);
      assert.ok(ms >= retryAfterMs && ms <= retryAfterMs + 500);
    }),
  );
});
