import assert from "node:assert/strict";
import { test } from "node:test";

import type { Model, ModelMessage } from "../../../src/ports/model.ts";
import { startMockProvider, type MockProvider } from "../../support/mock-provider.ts";
import { callsOf, finishOf, modelOf, never, outcomeOf, registryOf, request, textOf } from "./ask.ts";

const tools = [{ name: "bash", description: "Runs a command.", parameters: { type: "object", properties: {} } }];

type Assistant = Extract<ModelMessage, { role: "assistant" }>;

/** Asks once, and gives the response as the log would give it back, through JSON. */
async function firstResponse(model: Model): Promise<Assistant> {
  const { parts, failure } = await outcomeOf(model.stream(request({ tools }), never));
  assert.equal(failure, undefined);
  const { providerState } = finishOf(parts);
  return {
    role: "assistant",
    content: textOf(parts),
    toolCalls: callsOf(parts).map(({ call }) => call),
    ...(providerState !== undefined && { providerState: JSON.parse(JSON.stringify(providerState)) }),
    madeBy: `${model.provider}/${model.name}`,
  };
}

function followedBy(response: Assistant) {
  const results = response.toolCalls.map((call) => ({
    callId: call.call_id,
    toolName: call.tool_name,
    content: "done",
    success: true,
  }));
  return request({ tools, messages: [...request().messages, response, { role: "tool", results }] });
}

/** A server's end of `fetch`: answers with these bodies one after the other and keeps what was asked. */
function canned(bodies: string[]) {
  const asked: { url: string; body: unknown }[] = [];
  const fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const sent = new Request(input, init);
    asked.push({ url: sent.url, body: await sent.json() });
    return new Response(bodies.shift(), { headers: { "content-type": "text/event-stream" } });
  };
  return { fetch, asked };
}

const sse = (events: object[]): string => events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");

function lastMessages(mock: MockProvider) {
  const last = mock.requests.at(-1);
  assert.ok(last);
  return last.body.messages;
}

const anthropicAnswer = {
  thinking: { text: "I should look.", signature: "sig-1" },
  chunks: ["Let me ", "look."],
  toolCalls: [{ name: "bash", arguments: { command: "ls" } }],
};

test("anthropic gets its signed thought back, before the text and the call it belongs to", async () => {
  await using mock = await startMockProvider();
  const model = await modelOf("anthropic", mock);
  mock.reply(anthropicAnswer);
  const response = await firstResponse(model);
  mock.reply({ chunks: ["Done."] });
  await outcomeOf(model.stream(followedBy(response), never));
  const [, assistant, results] = lastMessages(mock);
  assert.deepEqual(assistant.content, [
    { type: "thinking", thinking: "I should look.", signature: "sig-1" },
    { type: "text", text: "Let me look." },
    { type: "tool_use", id: response.toolCalls[0]?.call_id, name: "bash", input: { command: "ls" } },
  ]);
  assert.equal(results.content[0].tool_use_id, response.toolCalls[0]?.call_id);
});

test("the state of a response is small: the text stands in the response only", async () => {
  await using mock = await startMockProvider();
  const model = await modelOf("anthropic", mock);
  mock.reply({ ...anthropicAnswer, chunks: ["x".repeat(10_000)] });
  assert.ok(JSON.stringify((await firstResponse(model)).providerState).length < 400);
  mock.reply({ chunks: ["x"] });
  assert.equal((await firstResponse(model)).providerState, undefined);
});

const changes: [string, (response: Assistant) => Assistant][] = [
  ["another model made it", (response) => ({ ...response, madeBy: "anthropic/other" })],
  ["nobody knows who made it", (response) => ({ ...response, madeBy: undefined })],
  ["its text is not what it was", (response) => ({ ...response, content: "Let me ***." })],
  [
    "a secret in it was struck out",
    (response) => ({
      ...response,
      providerState: JSON.parse(JSON.stringify(response.providerState).replace("look", "***")),
    }),
  ],
  ["it is of another shape", (response) => ({ ...response, providerState: { blocks: 1 } })],
];
for (const [why, change] of changes) {
  test(`a response goes back without its provider's state when ${why}`, async () => {
    await using mock = await startMockProvider();
    const model = await modelOf("anthropic", mock);
    mock.reply(anthropicAnswer);
    const response = change(await firstResponse(model));
    mock.reply({ chunks: ["Done."] });
    const { failure } = await outcomeOf(model.stream(followedBy(response), never));
    assert.equal(failure, undefined);
    const [, assistant] = lastMessages(mock);
    assert.deepEqual(
      assistant.content.map((part: { type: string }) => part.type),
      ["text", "tool_use"],
    );
    assert.equal(assistant.content[0].text, response.content);
  });
}

test("openai's encrypted reasoning goes back with the call that followed it, and nothing is stored there", async () => {
  const reasoning = { type: "reasoning", id: "rs_1", summary: [] };
  const call = {
    type: "function_call",
    id: "fc_1",
    call_id: "call_0123456789",
    name: "bash",
    arguments: '{"command":"ls"}',
  };
  const message = { type: "message", id: "msg_1", role: "assistant", content: [] };
  const response = { id: "resp_1", created_at: 1, model: "gpt-5" };
  const usage = {
    input_tokens: 9,
    input_tokens_details: { cached_tokens: 4 },
    output_tokens: 3,
    output_tokens_details: { reasoning_tokens: 1 },
  };
  const done = { type: "response.completed", response: { ...response, incomplete_details: null, usage } };
  const { fetch, asked } = canned([
    sse([
      { type: "response.created", response },
      { type: "response.output_item.added", output_index: 0, item: { ...reasoning, encrypted_content: "early" } },
      { type: "response.output_item.done", output_index: 0, item: { ...reasoning, encrypted_content: "sealed" } },
      { type: "response.output_item.added", output_index: 1, item: { ...call, arguments: "", status: "in_progress" } },
      { type: "response.function_call_arguments.delta", item_id: "fc_1", output_index: 1, delta: call.arguments },
      { type: "response.output_item.done", output_index: 1, item: { ...call, status: "completed" } },
      done,
    ]),
    sse([
      { type: "response.created", response },
      { type: "response.output_item.added", output_index: 0, item: message },
      { type: "response.output_text.delta", item_id: "msg_1", output_index: 0, content_index: 0, delta: "Done." },
      { type: "response.output_item.done", output_index: 0, item: message },
      done,
    ]),
  ]);
  const model = await registryOf({ env: { OPENAI_API_KEY: "sk-0123456789" }, fetch }).model({
    provider: "openai",
    name: "gpt-5",
  });
  const first = await firstResponse(model);
  const { parts, failure } = await outcomeOf(model.stream(followedBy(first), never));
  assert.equal(failure, undefined);
  assert.equal(textOf(parts), "Done.");
  assert.deepEqual(finishOf(parts).usage, {
    prompt_tokens: 9,
    completion_tokens: 3,
    total_tokens: 12,
    cached_prompt_tokens: 4,
  });
  assert.equal(asked[0]?.url, "https://api.openai.com/v1/responses");
  const body = JSON.parse(JSON.stringify(asked[1]?.body));
  assert.equal(body.store, false);
  assert.deepEqual(body.include, ["reasoning.encrypted_content"]);
  const sent = body.input.slice(-3);
  assert.deepEqual([sent[0].type, sent[0].encrypted_content], ["reasoning", "sealed"]);
  assert.deepEqual([sent[1].type, sent[1].call_id], ["function_call", "call_0123456789"]);
  assert.deepEqual([sent[2].type, sent[2].call_id], ["function_call_output", "call_0123456789"]);
});

test("google's thought signature goes back on the call that it signs", async () => {
  const finish = { finishReason: "STOP", index: 0 };
  const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 3, totalTokenCount: 12 };
  const part = { functionCall: { name: "bash", args: { command: "ls" } }, thoughtSignature: "signed" };
  const { fetch, asked } = canned([
    sse([{ candidates: [{ content: { role: "model", parts: [part] }, ...finish }], usageMetadata }]),
    sse([{ candidates: [{ content: { role: "model", parts: [{ text: "Done." }] }, ...finish }], usageMetadata }]),
  ]);
  const registry = registryOf({ env: { GEMINI_API_KEY: "key-0123456789" }, fetch });
  const model = await registry.model({ provider: "google", name: "gemini-2.5-pro" });
  const first = await firstResponse(model);
  const { parts } = await outcomeOf(model.stream(followedBy(first), never));
  assert.equal(textOf(parts), "Done.");
  const { contents } = JSON.parse(JSON.stringify(asked[1]?.body));
  assert.equal(contents[1].parts[0].thoughtSignature, "signed");
  assert.deepEqual(contents[1].parts[0].functionCall.args, { command: "ls" });
});
