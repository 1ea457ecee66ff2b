import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

import { ollamaHost } from "../../../src/adapters/models/ollama.ts";
import type { ProviderEntry } from "../../../src/adapters/models/provider-options.ts";
import { DuragentError } from "../../../src/schema/problem.ts";
import { Secret } from "../../../src/schema/secret.ts";
import { startMockProvider } from "../../support/mock-provider.ts";
import { finishOf, never, outcomeOf, registryOf, request } from "./ask.ts";

const choice = (provider: string, over: object = {}) => ({ provider, name: "some-model", ...over });

async function refused(made: Promise<unknown>, message: RegExp): Promise<void> {
  await assert.rejects(made, (error) => {
    assert.ok(error instanceof DuragentError);
    assert.equal(error.code, "unprocessable");
    assert.match(error.message, message);
    return true;
  });
}

const keys: [string, RegExp][] = [
  ["anthropic", /set ANTHROPIC_API_KEY in .*\.env.*models\.providers\.anthropic\.api_key in duragent\.yaml/],
  ["openai", /set OPENAI_API_KEY/],
  ["openrouter", /set OPENROUTER_API_KEY/],
  ["google", /set GOOGLE_GENERATIVE_AI_API_KEY or GEMINI_API_KEY/],
  ["bedrock", /set AWS_REGION/],
];
for (const [provider, message] of keys) {
  test(`${provider} without what it needs says which variable to set and where`, async () => {
    await refused(registryOf({}).model(choice(provider)), message);
    await refused(registryOf({ env: { ANTHROPIC_API_KEY: "", OPENAI_API_KEY: "" } }).model(choice(provider)), message);
  });
}

test("an unknown provider is refused with the ones there are", async () => {
  const providers = { mine: { kind: "ollama" } };
  await refused(registryOf({ providers }).model(choice("antropic")), /antropic is none of anthropic, .*\(mine\)/);
  await refused(registryOf({ providers: { mine: {} } }).model(choice("mine")), /models\.providers\.mine needs a kind/);
  await refused(registryOf({ providers: { mine: { kind: "x" } } }).model(choice("mine")), /mine\.kind: x is none of/);
  await refused(registryOf({}).model(choice("constructor")), /constructor is none of/);
});

test("the key comes from the configuration, else from the environment, else from auth.json", async () => {
  await using mock = await startMockProvider();
  mock.otherwise(() => ({ chunks: ["hi"] }));
  const keyOf = async (entry: ProviderEntry, env: Record<string, string>, storedKeys: Record<string, string>) => {
    const registry = registryOf({
      providers: { anthropic: { ...entry, base_url: mock.anthropicUrl } },
      env,
      storedKeys,
    });
    await outcomeOf((await registry.model(choice("anthropic"))).stream(request(), never));
    return mock.requests.at(-1)?.headers["x-api-key"];
  };
  const env = { ANTHROPIC_API_KEY: "from-environment" };
  const stored = { anthropic: "from-auth-json" };
  assert.equal(await keyOf({ api_key: "from-configuration" }, env, stored), "from-configuration");
  assert.equal(await keyOf({ api_key: new Secret("wrapped") }, env, stored), "wrapped");
  assert.equal(await keyOf({ api_key: "" }, env, stored), "from-environment");
  assert.equal(await keyOf({}, {}, stored), "from-auth-json");
});

test("configured headers are sent, and what they hold is not told in errors", async () => {
  await using mock = await startMockProvider();
  mock.reply({ status: 400, body: { error: { message: "bad header very-secret-value" } } });
  const headers = new Secret({ "x-team": "very-secret-value" });
  const registry = registryOf({ providers: { mine: { kind: "openai-compatible", base_url: mock.chatUrl, headers } } });
  const { failure } = await outcomeOf((await registry.model(choice("mine"))).stream(request(), never));
  assert.equal(mock.requests[0]?.headers["x-team"], "very-secret-value");
  assert.equal(mock.requests[0]?.headers["authorization"], undefined);
  assert.equal(failure?.message, "bad header ***");
});

test("anthropic's base URL may be given with and without its version, and with a slash", async () => {
  await using mock = await startMockProvider();
  mock.otherwise(() => ({ chunks: ["hi"] }));
  const registry = registryOf({ env: { ANTHROPIC_API_KEY: "key" } });
  for (const baseUrl of [
    mock.anthropicUrl,
    `${mock.anthropicUrl}/`,
    `${mock.anthropicUrl}/v1`,
    `${mock.anthropicUrl}/v1/`,
  ]) {
    await outcomeOf((await registry.model(choice("anthropic", { baseUrl }))).stream(request(), never));
    assert.equal(mock.requests.at(-1)?.path, "/v1/messages");
  }
});

test("the agent's base URL comes before the configured one", async () => {
  await using mock = await startMockProvider();
  mock.reply({ chunks: ["hi"] });
  const providers = { ollama: { base_url: "http://127.0.0.1:1/v1" } };
  const model = await registryOf({ providers }).model(choice("ollama", { baseUrl: mock.chatUrl }));
  assert.equal((await outcomeOf(model.stream(request(), never))).failure, undefined);
});

test("OLLAMA_HOST is read as Ollama reads it", () => {
  assert.equal(ollamaHost(undefined), "http://127.0.0.1:11434");
  assert.equal(ollamaHost(" "), "http://127.0.0.1:11434");
  assert.equal(ollamaHost("gpu-box"), "http://gpu-box:11434");
  assert.equal(ollamaHost("0.0.0.0"), "http://127.0.0.1:11434");
  assert.equal(ollamaHost("0.0.0.0:9999"), "http://127.0.0.1:9999");
  assert.equal(ollamaHost(":9999"), "http://127.0.0.1:9999");
  assert.equal(ollamaHost("https://ollama.example/"), "https://ollama.example");
  assert.equal(ollamaHost("http://0.0.0.0:1"), "http://127.0.0.1:1");
});

test("only openai speaks the Responses dialect, at its own URL without being asked", async () => {
  const asked: string[] = [];
  const fetch = async (input: string | URL | Request): Promise<Response> => {
    asked.push(new Request(input).url);
    return Response.json({ error: { message: "no" } }, { status: 401 });
  };
  const registry = registryOf({ env: { OPENAI_API_KEY: "key", OPENROUTER_API_KEY: "key" }, fetch });
  await outcomeOf((await registry.model(choice("openai"))).stream(request(), never));
  await outcomeOf((await registry.model(choice("openai", { api: "chat" }))).stream(request(), never));
  await outcomeOf(
    (await registry.model(choice("openai", { baseUrl: "http://127.0.0.1:1/v1" }))).stream(request(), never),
  );
  await outcomeOf((await registry.model(choice("openrouter"))).stream(request(), never));
  assert.deepEqual(asked, [
    "https://api.openai.com/v1/responses",
    "https://api.openai.com/v1/chat/completions",
    "http://127.0.0.1:1/v1/chat/completions",
    "https://openrouter.ai/api/v1/chat/completions",
  ]);
  await refused(registry.model(choice("openrouter", { api: "responses" })), /speaks "chat" only/);
});

test("settings go to the provider; those that are not given do not", async () => {
  await using mock = await startMockProvider();
  mock.otherwise(() => ({ chunks: ["hi"] }));
  const model = await registryOf({}).model(choice("ollama", { baseUrl: mock.chatUrl }));
  await outcomeOf(
    model.stream(
      request({ settings: { temperature: 0, topP: 0.5, maxOutputTokens: 7, reasoningEffort: "low" } }),
      never,
    ),
  );
  const { temperature, top_p, max_tokens, reasoning_effort } = mock.requests[0]?.body ?? {};
  assert.deepEqual([temperature, top_p, max_tokens, reasoning_effort], [0, 0.5, 7, "low"]);
  await outcomeOf(model.stream(request(), never));
  assert.deepEqual(Object.keys(mock.requests[1]?.body).toSorted(), ["messages", "model", "stream", "stream_options"]);
});

test("what OpenRouter says a call cost is in its usage", async () => {
  const chunk = (over: object) => `data: ${JSON.stringify({ id: "x", model: "m", choices: [], ...over })}\n\n`;
  const body =
    chunk({ choices: [{ index: 0, delta: { content: "hi" }, finish_reason: "stop" }] }) +
    chunk({ usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 6, cost: 0.0125 } }) +
    "data: [DONE]\n\n";
  const fetch = async (): Promise<Response> => new Response(body, { headers: { "content-type": "text/event-stream" } });
  const registry = registryOf({ env: { OPENROUTER_API_KEY: "key" }, fetch });
  const { parts } = await outcomeOf((await registry.model(choice("openrouter"))).stream(request(), never));
  assert.equal(finishOf(parts).usage?.cost_usd, 0.0125);
});

test("models made after a change of the configuration use the new one", async () => {
  const registry = registryOf({});
  await refused(registry.model(choice("mine")), /mine is none of/);
  registry.configure({ mine: { kind: "ollama" } });
  assert.equal((await registry.model(choice("mine"))).provider, "mine");
});

test("a wrong entry is refused with its key", async () => {
  const entry = { kind: "ollama", base_url: "ftp://x" };
  await refused(
    registryOf({ providers: { mine: entry } }).model(choice("mine")),
    /models\.providers\.mine\.base_url: must be an http/,
  );
  await refused(
    registryOf({ providers: { mine: { kind: "ollama", region: "us" } } }).model(choice("mine")),
    /models\.providers\.mine.*region/,
  );
});

test("Bedrock without a key signs with the credentials of the environment", async () => {
  const sent: Request[] = [];
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    sent.push(new Request(input, init));
    return Response.json({ message: "no" }, { status: 403 });
  };
  const env = { AWS_REGION: "eu-west-1", AWS_ACCESS_KEY_ID: "AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY: "secret-0123456789" };
  const model = await registryOf({ env, fetch }).model(choice("bedrock"));
  const { failure } = await outcomeOf(model.stream(request(), never));
  assert.deepEqual([failure?.status, failure?.retryable], [403, false]);
  assert.match(
    sent[0]?.url ?? "",
    /^https:\/\/bedrock-runtime\.eu-west-1\.amazonaws\.com\/model\/some-model\/converse-stream$/,
  );
  assert.match(
    sent[0]?.headers.get("authorization") ?? "",
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/bedrock\//,
  );
});

test("no provider's package is loaded before a model of it is made", async () => {
  const program = `
    import { registerHooks } from "node:module";
    const loaded = [];
    registerHooks({ resolve(specifier, context, next) {
      if (/^@(ai-sdk|aws-sdk)\\//.test(specifier)) loaded.push(specifier);
      return next(specifier, context);
    }});
    const { createModelRegistry } = await import(${JSON.stringify(import.meta.resolve("../../../src/adapters/models/registry.ts"))});
    console.log(loaded.length);
    const registry = createModelRegistry({ providers: {}, env: { ANTHROPIC_API_KEY: "k" }, clock: {}, packageFolder: "/" });
    await registry.model({ provider: "anthropic", name: "m" });
    console.log(loaded.includes("@ai-sdk/anthropic"), loaded.includes("@ai-sdk/openai"));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", program]);
  assert.equal(stdout, "0\ntrue false\n");
});
