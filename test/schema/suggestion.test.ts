import assert from "node:assert/strict";
import { test } from "node:test";

import { nearest } from "../../src/schema/suggestion.ts";

for (const [word, meant] of [
  ["modle", "model"],
  ["maxTokens", "max_tokens"],
  ["max-tokens", "max_tokens"],
  ["sevrices", "services"],
  ["MODEL", "model"],
  ["x", undefined],
  ["something-else-entirely", undefined],
  ["y".repeat(100_000), undefined],
] as const) {
  test(`${word.slice(0, 30)} suggests ${meant ?? "nothing"}`, () => {
    assert.equal(nearest(word, ["model", "max_tokens", "services", "memory"]), meant);
  });
}
