import assert from "node:assert/strict";
import { test } from "node:test";

import { createModelRegistry } from "../../../src/adapters/models/registry.ts";
import { retryDefaults } from "../../../src/domain/model/backoff.ts";
import { callModel, type ModelCallOptions } from "../../../src/runtime/model-calls/model-call.ts";
import { framesOf, startMockProvider, type MockProvider } from "../../support/mock-provider.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

// The whole way from the bytes of a provider to the outcome of a call; only time is made up.

const request = {
  system: "Be kind.",
  messages: [{ role: "user" as const, content: "hi" }],
  tools: [{ name: "bash", description: "Runs a command.", parameters: { type: "object", properties: {} } }],
  settings: {},
};

async function setUp(mock: MockProvider, providers = ["anthropic"]) {
  const clock = createVirtualClock({ sleepsPass: true, random: 0.5 });
  const entries = {
    anthropic: { base_url: mock.anthropicUrl, api_key: "key-a" },
    openai: { base_url: mock.chatUrl, api_key: "key-o" },
  };
  const registry = createModelRegistry({ providers: entries, env: {}, clock, packageFolder: "/" });
  const models = await Promise.all(providers.map((provider) => registry.model({ provider, name: "mock" })));
  const cancel = new AbortController();
  const shown: string[] = [];
  const call = (over: Partial<ModelCallOptions> = {}) =>
    callModel({
      candidates: models.map((model) => ({ model, request, retry: retryDefaults, promptTokens: 10 })),
      limits: { llmTimeoutMs: 300_000, idleTimeoutMs: 60_000 },
      clock,
      signal: cancel.signal,
      onText: (text) => shown.push(text),
      onReset: () => shown.splice(0),
      ...over,
    });
  return { call, clock, cancel, shown };
}

test("429 with Retry-After, 529 and 503 are waited out, and the answer comes once", async () => {
  await using mock = await startMockProvider();
  const { call, clock } = await setUp(mock);
  mock.reply({ status: 429, headers: { "retry-after": "7" } });
  mock.reply({ status: 429 });
  mock.reply({ status: 529 });
  mock.reply({ status: 503 });
  mock.reply({ chunks: ["Hello."] });
  const result = await call();
  assert.equal(result.kind, "response");
  assert.deepEqual([result.text, result.attempts, mock.requests.length], ["Hello.", 5, 5]);
  assert.deepEqual(clock.slept, [7250, 500, 1000, 2000]);
});

test("a provider that never has room is asked five times", async () => {
  await using mock = await startMockProvider();
  const { call } = await setUp(mock);
  mock.otherwise(() => ({
    status: 529,
    body: { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
  }));
  const result = await call();
  assert.equal(result.kind, "failed");
  assert.deepEqual(
    [result.code, result.status, result.message, mock.requests.length],
    ["provider-error", 529, "Overloaded", 5],
  );
});

test("a wrong key is told at once", async () => {
  await using mock = await startMockProvider();
  const { call } = await setUp(mock);
  mock.otherwise(() => ({
    status: 401,
    body: { type: "error", error: { type: "authentication_error", message: "invalid x-api-key" } },
  }));
  const result = await call();
  assert.equal(result.kind, "failed");
  assert.deepEqual([result.message, result.retryable, mock.requests.length], ["invalid x-api-key", false, 1]);
});

test("a stream that is cut after any of its frames is asked for again and comes whole; no call runs of the cut one", async () => {
  await using mock = await startMockProvider();
  const answer = { chunks: ["one ", "two"], toolCalls: [{ name: "bash", arguments: { command: "rm -rf x" } }] };
  for (let after = 0; after < framesOf(answer, "anthropic").length; after += 1) {
    const { call, shown } = await setUp(mock);
    mock.reply({ ...answer, after, fault: "cut" });
    mock.reply({ chunks: ["Hello."] });
    const result = await call();
    assert.equal(result.kind, "response");
    assert.deepEqual([result.text, result.toolCalls, result.attempts], ["Hello.", [], 2]);
    assert.deepEqual(shown, ["Hello."], "what was shown of the cut answer is taken back");
  }
});

test("a stream that stalls is left after the idle time, and its connection is closed", async () => {
  await using mock = await startMockProvider();
  const { call, clock } = await setUp(mock);
  const stalled = mock.reply({ chunks: ["one", "two"], after: 3, fault: "stall" });
  mock.reply({ chunks: ["Hello."] });
  const result = await call({
    onText: (text) => {
      if (text === "one") setImmediate(() => clock.advance(60_000));
    },
  });
  assert.equal(result.kind, "response");
  assert.deepEqual([result.text, result.attempts], ["Hello.", 2]);
  assert.deepEqual(await stalled.closed, { clientLeft: true });
});

test("a provider that takes the request and never answers costs the call's time, not more", async () => {
  await using mock = await startMockProvider();
  const { call, clock } = await setUp(mock);
  const silent = mock.reply({ connection: "silent" });
  void silent.arrived.then(() => clock.advance(300_000));
  const result = await call();
  assert.equal(result.kind, "failed");
  assert.deepEqual([result.code, mock.requests.length], ["provider-timeout", 1]);
  assert.deepEqual(await silent.closed, { clientLeft: true });
});

test("the fallback is another provider with its own dialect", async () => {
  await using mock = await startMockProvider();
  const { call } = await setUp(mock, ["anthropic", "openai"]);
  mock.reply({ status: 404, body: { error: { type: "not_found_error", message: "model: mock" } } });
  mock.reply({ chunks: ["Hello."] });
  const result = await call();
  assert.equal(result.kind, "response");
  assert.deepEqual([result.provider, result.attempts], ["openai", 2]);
  assert.deepEqual(
    mock.requests.map(({ dialect }) => dialect),
    ["anthropic", "chat"],
  );
});

test("cancelled while it streams, the call closes the connection and keeps what was shown", async () => {
  await using mock = await startMockProvider();
  const { call, cancel } = await setUp(mock);
  const reply = mock.reply({ chunks: ["one", "two"], held: true });
  const result = call({ onText: () => cancel.abort() });
  await reply.next();
  const outcome = await result;
  assert.equal(outcome.kind, "aborted");
  assert.equal(outcome.partialText, "one");
  assert.deepEqual(await reply.closed, { clientLeft: true });
});

test("usage that a provider reported before it broke off is not forgotten", async () => {
  await using mock = await startMockProvider();
  const { call } = await setUp(mock);
  const answer = { chunks: ["one"], usage: { input: 50, output: 9 } };
  mock.reply({ ...answer, after: 3, fault: "cut" });
  mock.reply({ chunks: ["Hello."], usage: { input: 50, output: 2 } });
  const result = await call();
  assert.equal(result.kind, "response");
  assert.equal(result.usage?.total_tokens, 52);
  const usage = { prompt_tokens: 50, completion_tokens: 1, total_tokens: 51 };
  assert.deepEqual(result.wastedUsage, [{ usage, provider: "anthropic", model: "mock" }]);
});

test("a cancelled call has what it used, as far as the provider said", async () => {
  await using mock = await startMockProvider();
  const { call, cancel } = await setUp(mock);
  mock.reply({ chunks: ["four words of text"], usage: { input: 50, output: 9, cached: 20 }, after: 3, fault: "stall" });
  const result = await call({ onText: () => cancel.abort() });
  assert.equal(result.kind, "aborted");
  assert.deepEqual(result.usage, {
    prompt_tokens: 50,
    completion_tokens: 5,
    total_tokens: 55,
    cached_prompt_tokens: 20,
  });
  assert.deepEqual(result.wastedUsage, []);
});
