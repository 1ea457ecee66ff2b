import assert from "node:assert/strict";
import { test } from "node:test";

import { retryDefaults } from "../../../src/domain/model/backoff.ts";
import { pricesOf, retryOf } from "../../../src/domain/model/model-limits.ts";

test("without limits a model is asked as often and as patiently as the defaults say", () => {
  assert.deepEqual(retryOf([]), retryDefaults);
  assert.deepEqual(retryOf([undefined, {}, { retry: {} }]), retryDefaults);
});

test("the fewest tries of all levels count, and a level alone may allow more than the default", () => {
  assert.equal(retryOf([undefined, { retry: { max_attempts: 9 } }]).maxAttempts, 9);
  assert.equal(retryOf([{ retry: { max_attempts: 9 } }, { retry: { max_attempts: 2 } }]).maxAttempts, 2);
});

test("how long to wait is what the most specific level says, each figure by itself", () => {
  const levels = [
    { retry: { base_delay_ms: 10 } },
    { retry: { base_delay_ms: 20, max_delay_ms: 40 } },
    { retry: { max_delay_ms: 50 } },
  ];
  assert.deepEqual(retryOf(levels), { maxAttempts: 5, baseDelayMs: 10, maxDelayMs: 40 });
});

test("of two prices for one model the more specific level's counts, the others stay", () => {
  const dear = { input: 9, output: 9 };
  const cheap = { input: 1, output: 1 };
  assert.deepEqual(pricesOf([{ prices: { "a/x": cheap } }, undefined, { prices: { "a/x": dear, "a/y": dear } }]), {
    "a/x": cheap,
    "a/y": dear,
  });
});
