import assert from "node:assert/strict";
import { test } from "node:test";

import { costUsd, priceOf } from "../../../src/domain/model/price.ts";
import { listPrices } from "../../../src/domain/model/price-table.ts";

const million = { prompt_tokens: 1_000_000, completion_tokens: 1_000_000, total_tokens: 2_000_000 };

test("a call costs its tokens at the model's price", () => {
  assert.equal(costUsd("anthropic", "claude-sonnet-4-5", million), 18);
});

test("cached tokens cost less", () => {
  assert.equal(costUsd("anthropic", "claude-sonnet-4-5", { ...million, cached_prompt_tokens: 1_000_000 }), 15.3);
});

test("more cached tokens than there were tokens never make a call cheaper than free", () => {
  const usage = { prompt_tokens: 10, completion_tokens: 0, total_tokens: 10, cached_prompt_tokens: 1_000_000 };
  assert.equal(costUsd("anthropic", "claude-sonnet-4-5", usage), 0.000_003);
});

test("what the provider charged comes before any price", () => {
  assert.equal(costUsd("openrouter", "anthropic/claude-sonnet-4.5", { ...million, cost_usd: 0.25 }), 0.25);
});

test("configured prices come before the built-in table and name models that it does not know", () => {
  const prices = { "anthropic/claude-sonnet-4-5": { input: 1, output: 1 }, "my-vllm/llama": { input: 0, output: 2 } };
  assert.equal(costUsd("anthropic", "claude-sonnet-4-5", million, prices), 2);
  assert.equal(costUsd("my-vllm", "llama", million, prices), 2);
});

test("a model is found under its dated, regional and routed names", () => {
  const sonnet = listPrices["anthropic"]?.["claude-sonnet-4-5"];
  assert.ok(sonnet);
  assert.equal(priceOf("anthropic", "claude-sonnet-4-5-20250929"), sonnet);
  assert.equal(priceOf("bedrock", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"), sonnet);
  assert.equal(priceOf("openrouter", "anthropic/claude-sonnet-4.5"), sonnet);
  assert.equal(priceOf("company-proxy", "claude-sonnet-4-5"), sonnet);
  assert.equal(priceOf("openai", "gpt-4o-2024-11-20"), listPrices["openai"]?.["gpt-4o"]);
});

test("what runs on one's own machine is free", () => {
  assert.equal(costUsd("ollama", "llama3.3", million), 0);
  assert.equal(costUsd("local", "llama3.3", million), undefined);
  assert.equal(costUsd("local", "llama3.3", million, {}, "ollama"), 0, "also under a name of its own");
  assert.equal(costUsd("local", "llama3.3", million, { "local/llama3.3": { input: 1, output: 1 } }, "ollama"), 2);
  assert.equal(costUsd("scripted", "./script.yaml", million), 0);
});

test("an unknown model has no price", () => {
  assert.equal(costUsd("openai", "gpt-99", million), undefined);
  assert.equal(costUsd("__proto__", "constructor", million), undefined);
});
