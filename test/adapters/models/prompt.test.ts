import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { promptOf } from "../../../src/adapters/models/ai-sdk-prompt.ts";
import { providerStateOf, type StateBlock } from "../../../src/adapters/models/provider-state.ts";
import type { ModelMessage } from "../../../src/ports/model.ts";
import { request } from "./ask.ts";

const tools = [{ name: "bash", description: "Runs a command.", parameters: { type: "object" } }];
const call = { call_id: "c1", tool_name: "bash", arguments: { command: "ls" } };
const talk: ModelMessage[] = [
  { role: "user", content: "list" },
  { role: "assistant", content: "Looking.", toolCalls: [call] },
  { role: "tool", results: [{ callId: "c1", toolName: "bash", content: "a.txt", success: false }] },
];
const prompt = (messages: ModelMessage[], over = {}) =>
  promptOf(request({ messages, tools, ...over }), { model: "test/mock" });

test("calls and results stand beside each other, failures marked as such", () => {
  assert.deepEqual(prompt(talk), [
    { role: "system", content: "Be kind." },
    { role: "user", content: [{ type: "text", text: "list" }] },
    {
      role: "assistant",
      content: [
        { type: "text", text: "Looking." },
        { type: "tool-call", toolCallId: "c1", toolName: "bash", input: { command: "ls" } },
      ],
    },
    {
      role: "tool",
      content: [
        { type: "tool-result", toolCallId: "c1", toolName: "bash", output: { type: "error-text", value: "a.txt" } },
      ],
    },
  ]);
});

test("a conversation with calls, sent without tools, tells them as text", () => {
  const told = prompt(talk, { tools: [] });
  assert.deepEqual(told.slice(2), [
    { role: "assistant", content: [{ type: "text", text: 'Looking.\n\n[Called bash with {"command":"ls"}]' }] },
    { role: "user", content: [{ type: "text", text: "[Result of bash: a.txt]" }] },
  ]);
});

test("an answer without words or calls is left out, an empty message is not empty", () => {
  const made = prompt([
    { role: "user", content: " " },
    { role: "assistant", content: "\n", toolCalls: [] },
    { role: "user", content: "hi" },
  ]);
  assert.deepEqual(
    made.slice(1).map(({ role, content }) => [role, content]),
    [
      ["user", [{ type: "text", text: "(empty)" }]],
      ["user", [{ type: "text", text: "hi" }]],
    ],
  );
});

test("arguments that were no JSON object go back inside one", () => {
  const odd: ModelMessage = { role: "assistant", content: "", toolCalls: [{ ...call, arguments: '{"command' }] };
  const [, , assistant] = prompt([talk[0] ?? odd, odd]);
  assert.ok(assistant?.role === "assistant" && assistant.content[0]?.type === "tool-call");
  assert.deepEqual(assistant.content[0].input, { unparsed_arguments: '{"command' });
});

test("the cache mark stands on the system message and on the last one", () => {
  const cacheMark = { anthropic: { cacheControl: { type: "ephemeral" } } };
  const marked = promptOf(request({ messages: talk, tools }), { model: "test/mock", cacheMark });
  assert.deepEqual(
    marked.map(({ providerOptions }) => providerOptions !== undefined),
    [true, false, false, true],
  );
  const alone = promptOf(request({ system: "" }), { model: "test/mock", cacheMark });
  assert.deepEqual(alone, [{ role: "user", content: [{ type: "text", text: "hi" }], providerOptions: cacheMark }]);
});

test("whatever order a response's parts came in, its own model gets them back in that order", () => {
  const part = fc.oneof(
    fc.record({ type: fc.constant("text" as const), text: fc.string({ minLength: 1, unit: "grapheme" }) }),
    fc.record({ type: fc.constant("reasoning" as const), text: fc.string() }),
    fc.record({ type: fc.constant("call" as const), text: fc.constant("") }),
  );
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 8 }), (parts) => {
      const metadata = { test: { signature: "s" } };
      const calls = parts.flatMap(({ type }, index) => (type === "call" ? [{ ...call, call_id: `c${index}` }] : []));
      const blocks = parts.map(({ type, text }, index): StateBlock => {
        if (type === "text") return { type, length: text.length, metadata };
        return type === "call" ? { type, call_id: `c${index}`, metadata } : { type, text, metadata };
      });
      const content = parts.map(({ type, text }) => (type === "text" ? text : "")).join("");
      const providerState: unknown = JSON.parse(JSON.stringify(providerStateOf(blocks)));
      const message: ModelMessage = {
        role: "assistant",
        content,
        toolCalls: calls,
        providerState,
        madeBy: "test/mock",
      };
      const made = prompt([message]).at(-1);
      assert.ok(made?.role === "assistant");
      assert.deepEqual(
        made.content.map((one) => ("text" in one ? one.text : "")),
        parts.map(({ text }) => text),
      );
      assert.ok(made.content.every((one) => one.providerOptions !== undefined));
    }),
  );
});
