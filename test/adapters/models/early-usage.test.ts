import assert from "node:assert/strict";
import { test } from "node:test";

import { earlyUsage } from "../../../src/adapters/models/early-usage.ts";

test("Anthropic's first event tells the input, what was read from and written to the cache included", () => {
  const usage = { input_tokens: 3, cache_read_input_tokens: 40, cache_creation_input_tokens: 7, output_tokens: 1 };
  assert.deepEqual(earlyUsage({ type: "message_start", message: { id: "x", usage } }), {
    prompt_tokens: 50,
    completion_tokens: 1,
    total_tokens: 51,
    cached_prompt_tokens: 40,
  });
});

test("Gemini's events tell both sides as they grow", () => {
  const event = {
    candidates: [],
    usageMetadata: { promptTokenCount: 9, candidatesTokenCount: 2, totalTokenCount: 11 },
  };
  assert.deepEqual(earlyUsage(event), { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 });
});

test("what tells nothing is nothing", () => {
  const events = [null, "x", 1, {}, { message: "x" }, { message: { usage: {} } }, { usageMetadata: {} }, { usage: {} }];
  assert.deepEqual(
    events.map(earlyUsage),
    events.map(() => undefined),
  );
  assert.equal(earlyUsage({ type: "message_start", message: { usage: { input_tokens: -1 } } }), undefined);
});
