import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { LLMock } from "@copilotkit/aimock";

import type { ProviderEntry } from "../../../src/adapters/models/provider-options.ts";
import type { Model, ModelChoice } from "../../../src/ports/model.ts";
import { callsOf, finishOf, never, outcomeOf, registryOf, request, textOf } from "./ask.ts";

// Every provider against a mock that speaks its own dialect, byte for byte.

const tools = [
  {
    name: "bash",
    description: "Runs a command.",
    parameters: { type: "object", properties: { command: { type: "string" } } },
  },
];
const asking = (content: string) => request({ tools, messages: [{ role: "user", content }] });
let mock: LLMock;

before(async () => {
  mock = await LLMock.create({ port: 0, logLevel: "silent", chunkSize: 4 });
  const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12, input_tokens: 9, output_tokens: 3 };
  const google = { promptTokenCount: 9, candidatesTokenCount: 3, totalTokenCount: 12 };
  mock.onMessage("say", { content: "Hello to you all.", usage: { ...usage, ...google } });
  // The mock's own word for the end of a call is not one that Gemini sends.
  mock.onMessage("google, run", { toolCalls: [{ name: "bash", arguments: { command: "ls" } }], finishReason: "stop" });
  mock.onMessage("run", { toolCalls: [{ id: "call_0123456789", name: "bash", arguments: { command: "ls" } }] });
  mock.onMessage("cut", { content: "A long answer that never gets to its end." }, { truncateAfterChunks: 4 });
});
after(() => mock.stop());

const key = "key-0123456789";
const providers: [string, (url: string) => { entry: ProviderEntry; choice?: Partial<ModelChoice>; path: RegExp }][] = [
  ["anthropic", (url) => ({ entry: { api_key: key, base_url: url }, path: /^\/v1\/messages$/ })],
  ["openai", (url) => ({ entry: { api_key: key, base_url: `${url}/v1` }, path: /^\/v1\/chat\/completions$/ })],
  [
    "openai",
    (url) => ({
      entry: { api_key: key, base_url: `${url}/v1` },
      choice: { api: "responses" },
      path: /^\/v1\/responses$/,
    }),
  ],
  ["openrouter", (url) => ({ entry: { api_key: key, base_url: `${url}/v1/` }, path: /^\/v1\/chat\/completions$/ })],
  ["ollama", (url) => ({ entry: { base_url: `${url}/v1` }, path: /^\/v1\/chat\/completions$/ })],
  [
    "google",
    (url) => ({
      entry: { api_key: key, base_url: `${url}/v1beta` },
      path: /^\/v1beta\/models\/.*:streamGenerateContent/,
    }),
  ],
  [
    "bedrock",
    (url) => ({ entry: { api_key: key, base_url: url, region: "us-east-1" }, path: /^\/model\/.*\/converse-stream$/ }),
  ],
  [
    "my-vllm",
    (url) => ({ entry: { kind: "openai-compatible", base_url: `${url}/v1` }, path: /^\/v1\/chat\/completions$/ }),
  ],
  [
    "mine",
    (url) => ({
      entry: { kind: "ai-sdk", package: "@ai-sdk/anthropic", api_key: key, base_url: `${url}/v1` },
      path: /^\/v1\/messages$/,
    }),
  ],
];

for (const [provider, make] of providers) {
  const { choice } = make("http://127.0.0.1");
  const what = choice?.api === undefined ? provider : `${provider} (${choice.api})`;
  const model = (): Promise<Model> => {
    const { entry } = make(mock.url);
    const registry = registryOf({ providers: { [provider]: entry }, packageFolder: import.meta.dirname });
    return registry.model({ provider, name: "some-model", ...choice });
  };

  test(`${what}: an answer streams to its end with its usage`, async () => {
    const { parts, failure } = await outcomeOf((await model()).stream(asking("say"), never));
    assert.equal(failure, undefined);
    assert.equal(textOf(parts), "Hello to you all.");
    assert.ok(parts.filter((part) => part.type === "text").length > 1, "in more than one piece");
    const finish = finishOf(parts);
    assert.equal(finish.stop, "end");
    assert.deepEqual(finish.usage, { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 });
    assert.match(mock.getLastRequest()?.path ?? "", make("").path);
  });

  test(`${what}: a call arrives with its arguments`, async () => {
    const { parts } = await outcomeOf((await model()).stream(asking(`${provider}, run`), never));
    assert.deepEqual(
      callsOf(parts).map(({ call }) => [call.tool_name, call.arguments]),
      [["bash", { command: "ls" }]],
    );
    assert.equal(finishOf(parts).stop, "tool_calls");
  });

  test(`${what}: a stream that breaks off is a failure that may be retried`, async () => {
    const { failure } = await outcomeOf((await model()).stream(asking("cut"), never));
    assert.equal(failure?.retryable, true, failure?.message);
  });

  test(`${what}: too many requests may be retried`, async () => {
    mock.nextRequestError(429, { message: "slow down", type: "rate_limit_error" });
    const { failure } = await outcomeOf((await model()).stream(asking("say"), never));
    assert.deepEqual([failure?.status, failure?.retryable], [429, true]);
    assert.match(failure?.message ?? "", /slow down/);
  });
}
