import assert from "node:assert/strict";
import { test } from "node:test";

import { modelWindowTokens } from "../../../src/domain/prompt/model-window.ts";
import { correctionRatio, messageTokens, textTokens } from "../../../src/domain/prompt/tokens.ts";

test("a token is four bytes, a message four tokens more", () => {
  assert.equal(textTokens("abcdefgh"), 2);
  assert.equal(textTokens("ééé🌳"), 3);
  assert.equal(messageTokens({ role: "user", content: "abcdefgh" }), 6);
});

test("calls, results and provider state count", () => {
  const bare = messageTokens({ role: "assistant", content: "x", toolCalls: [] });
  const call = { call_id: "c", tool_name: "bash", arguments: { command: "ls -la" } };
  assert.ok(messageTokens({ role: "assistant", content: "x", toolCalls: [call] }) > bare + 10);
  assert.ok(
    messageTokens({ role: "assistant", content: "x", toolCalls: [], providerState: { signature: "s".repeat(400) } }) >
      bare + 100,
  );
});

test("the ratio is the provider's count over ours, within bounds, and 1 while nothing is known", () => {
  assert.equal(correctionRatio([]), 1);
  assert.equal(correctionRatio([{ estimatedTokens: 10, reportedTokens: 500 }]), 1);
  assert.equal(correctionRatio([{ estimatedTokens: 1_000, reportedTokens: 1_250 }]), 1.25);
  assert.equal(correctionRatio([{ estimatedTokens: 1_000, reportedTokens: 90_000 }]), 3);
  assert.equal(correctionRatio([{ estimatedTokens: 1_000, reportedTokens: 1 }]), 0.5);
});

for (const [name, tokens] of [
  ["claude-sonnet-4-5", 200_000],
  ["openai/gpt-5-mini", 400_000],
  ["gpt-4.1-nano", 1_000_000],
  ["gpt-4o", 128_000],
  ["Gemini-2.5-pro", 1_000_000],
  ["grok-4-fast", 2_000_000],
  ["my-own", 128_000],
] as const) {
  test(`the window of ${name} is ${tokens} unless the agent says otherwise`, () => {
    assert.equal(modelWindowTokens({ name }), tokens);
    assert.equal(modelWindowTokens({ name, max_input_tokens: 5 }), 5);
  });
}
