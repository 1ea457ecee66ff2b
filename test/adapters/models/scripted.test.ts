import assert from "node:assert/strict";
import { test } from "node:test";

import { createModelRegistry } from "../../../src/adapters/models/registry.ts";
import { ModelFailure, type ModelMessage, type ModelPart } from "../../../src/ports/model.ts";
import { DuragentError } from "../../../src/schema/problem.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const weather = `
rules:
  - when: '^weather in (.+)$'
    tool: { name: bash, arguments: { command: "echo {{1}}: sunny", list: ["{{input}}"] } }
  - after_tool: bash
    say: "It says: {{result}}"
  - when: '.*'
    say: "You said: {{input}}"
`;
const never = new AbortController().signal;
const user = (content: string): ModelMessage => ({ role: "user", content });

async function scripted(script: string, options: { sleepsPass?: boolean } = {}) {
  const clock = createVirtualClock({ sleepsPass: options.sleepsPass ?? true });
  const registry = createModelRegistry({ providers: {}, env: {}, clock, packageFolder: "/" });
  const files = new Map([["script.yaml", Buffer.from(script)]]);
  const model = await registry.model({ provider: "scripted", name: "./script.yaml", files });
  const ask = (messages: ModelMessage[], signal = never) =>
    model.stream({ system: "", messages, tools: [], settings: {} }, signal);
  return { ask, clock, again: () => registry.model({ provider: "scripted", name: "./script.yaml", files }) };
}

async function all(parts: AsyncIterable<ModelPart>): Promise<ModelPart[]> {
  return Array.fromAsync(parts);
}

const textOf = (parts: ModelPart[]): string[] => parts.flatMap((part) => (part.type === "text" ? [part.text] : []));

test("a rule's groups and the message fill in what is said and what a tool is called with", async () => {
  const { ask } = await scripted(weather);
  const [call, finish] = await all(ask([user("weather in Paris")]));
  assert.equal(call?.type, "tool_call");
  assert.deepEqual(call.call.arguments, { command: "echo Paris: sunny", list: ["weather in Paris"] });
  assert.match(call.call.call_id, /^call_/);
  assert.equal(finish?.type, "finish");
  assert.equal(finish.stop, "tool_calls");
});

test("after a tool's result the rule for that tool answers, not the one that called it", async () => {
  const { ask } = await scripted(weather);
  const parts = await all(
    ask([
      user("weather in Paris"),
      { role: "assistant", content: "", toolCalls: [{ call_id: "a", tool_name: "bash", arguments: {} }] },
      { role: "tool", results: [{ callId: "a", toolName: "bash", content: "{{input}} sunny", success: true }] },
    ]),
  );
  assert.equal(textOf(parts).join(""), "It says: {{input}} sunny");
});

test("after a tool without a rule of its own the first rule that only says something answers", async () => {
  const { ask } = await scripted(weather);
  const parts = await all(
    ask([
      user("weather in Rome"),
      { role: "tool", results: [{ callId: "a", toolName: "web", content: "x", success: true }] },
    ]),
  );
  assert.equal(textOf(parts).join(""), "You said: weather in Rome");
});

test("an answer streams word by word and reports usage", async () => {
  const { ask } = await scripted(weather);
  const parts = await all(ask([user("hello  there\nyou 👋")]));
  assert.deepEqual(textOf(parts), ["You", " said:", " hello", "  there", "\nyou", " 👋"]);
  const finish = parts.at(-1);
  assert.equal(finish?.type, "finish");
  assert.equal(finish.stop, "end");
  assert.ok(finish.usage && finish.usage.prompt_tokens > 0 && finish.usage.completion_tokens > 0);
  assert.equal(finish.usage.total_tokens, finish.usage.prompt_tokens + finish.usage.completion_tokens);
});

test("delays are waited for on the clock", async () => {
  const { ask, clock } = await scripted(`${weather}delay: { first_token_ms: 50, per_token_ms: 5 }`);
  await all(ask([user("one two")]));
  assert.deepEqual(clock.slept, [50, 5, 5, 5]);
});

test("a cancelled answer stops in the middle of a delay", async () => {
  const { ask } = await scripted(`${weather}delay: { per_token_ms: 5000 }`, { sleepsPass: false });
  const cancel = new AbortController();
  const parts = ask([user("one two")], cancel.signal)[Symbol.asyncIterator]();
  assert.deepEqual((await parts.next()).value, { type: "text", text: "You" });
  const next = parts.next();
  cancel.abort(new Error("cancelled"));
  await assert.rejects(next, /cancelled/);
});

test("a rehearsed fault comes on its call, counted over all models made for the agent", async () => {
  const { ask, again } = await scripted(
    `${weather}errors: [{ on_call: 2, status: 529, retry_after_ms: 7 }, { on_call: 3, after_tokens: 1 }]`,
  );
  await all(ask([user("a")]));
  const same = await again();
  const request = { system: "", messages: [user("b")], tools: [], settings: {} };
  await assert.rejects(all(same.stream(request, never)), (error) => {
    assert.ok(error instanceof ModelFailure);
    assert.deepEqual([error.status, error.retryable, error.retryAfterMs], [529, true, 7]);
    return true;
  });
  const seen: ModelPart[] = [];
  await assert.rejects(async () => {
    for await (const part of ask([user("c")])) seen.push(part);
  }, ModelFailure);
  assert.deepEqual(textOf(seen), ["You"]);
  assert.equal(textOf(await all(ask([user("d")]))).join(""), "You said: d");
});

test("no fitting rule is a failure that says what to add", async () => {
  const { ask } = await scripted("rules: [{ when: '^hi$', say: hello }]");
  await assert.rejects(all(ask([user("bye")])), /no rule of \.\/script\.yaml fits.*when: '\.\*'/);
});

const faults: [string, string, RegExp][] = [
  ["text that is not YAML", "rules: [", /script\.yaml:1:9: /],
  ["no rules", "delay: {}", /rules/],
  ["an unknown key", "rules:\n  - wen: x\n    say: y", /script\.yaml:2:5: .*wen.*when/],
  ["a rule that asks for nothing", "rules:\n  - say: y", /script\.yaml:2:5: .*needs `when` or `after_tool`/],
  ["a pattern for a tool", "rules:\n  - after_tool: '.*'\n    say: y", /script\.yaml:2:17: .*the name of a tool/],
  ["a rule that does nothing", "rules:\n  - when: y", /script\.yaml:2:5: .*needs `say` or `tool`/],
  [
    "an expression that is none",
    "rules:\n  - when: '('\n    say: x",
    /script\.yaml:2:11: rules\[0\]\.when: Invalid regular expression/,
  ],
  [
    "a status that is no error",
    "rules: [{ when: x, say: y }]\nerrors:\n  - { on_call: 1, status: 200 }",
    /script\.yaml:3:27: /,
  ],
];
for (const [what, script, message] of faults) {
  test(`a script with ${what} is refused with its place`, async () => {
    await assert.rejects(scripted(script), (error) => {
      assert.ok(error instanceof DuragentError);
      assert.equal(error.code, "unprocessable");
      assert.match(error.message, message);
      return true;
    });
  });
}

test("a script is looked for among the agent's files only", async () => {
  const clock = createVirtualClock();
  const registry = createModelRegistry({ providers: {}, env: {}, clock, packageFolder: "/" });
  for (const name of ["../other/script.yaml", "/etc/hosts", "missing.yaml"]) {
    await assert.rejects(
      registry.model({ provider: "scripted", name, files: new Map() }),
      /is not a file of the agent/,
    );
  }
});
