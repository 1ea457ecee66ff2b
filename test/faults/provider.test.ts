import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import type { SessionEvent } from "../../src/schema/session-event.ts";
import { ask } from "../support/http-harness.ts";
import { mockAgent } from "../support/mock-agent.ts";
import {
  framesOf,
  startMockProvider,
  type MockProvider,
  type MockReply,
  type MockRequest,
} from "../support/mock-provider.ts";
import { ServerProcess } from "../support/server-process.ts";

const withCall = { chunks: ["I ", "will "], toolCalls: [{ name: "bash", arguments: { command: "rm -rf /" } }] };
const good: MockReply = { chunks: ["all ", "is ", "well"] };

for (const dialect of ["anthropic", "openai"] as const) {
  test(`a response cut at any frame is tried again, and no tool of it runs (${dialect})`, async (t) => {
    const { server, play } = await rehearse(t, dialect);
    const frames = framesOf(withCall, dialect === "anthropic" ? "anthropic" : "chat").length;
    const faults = ["cut", "end", "error"] as const;
    // The last frame says that it has ended: after it, nothing is missing.
    const places = Array.from({ length: frames - 2 }, (_, index) => index);
    const cases = faults.flatMap((fault) => places.map((after) => ({ fault, after })));
    await Promise.all(
      cases.map(async ({ fault, after }) => {
        const name = `${fault} after ${after} frames`;
        const attempts = play(name, [{ ...withCall, fault, after }, good]);
        const { status, text, log } = await turn(server, name);
        assert.equal(status, 200, `${name}: ${text}`);
        assert.equal(attempts(), 2, name);
        const types = log.map((event) => event.type);
        assert.ok(!types.includes("tool_start") && !types.includes("tool_result"), `${name}: ${types.join()}`);
        const responses = log.filter((event) => event.type === "assistant_response");
        assert.deepEqual(
          responses.map((event) => [event.content, event.tool_calls, event.attempts]),
          [["all is well", undefined, 2]],
          name,
        );
      }),
    );
  });
}

test("429, 5xx and a provider that stalls are tried again; what is our fault is not", async (t) => {
  const { server, play } = await rehearse(t, "anthropic");
  const limited = { status: 429, headers: { "retry-after": "1" } };
  const passing: Record<string, MockReply[]> = {
    "429 with Retry-After": [limited, good],
    "429 without": [{ status: 429 }, good],
    "500, 503 and 529": [{ status: 500 }, { status: 503 }, { status: 529 }, good],
    "a connection that breaks": [{ connection: "cut" }, good],
    "a stall in the middle": [{ ...withCall, fault: "stall", after: 4 }, good],
  };
  const failing: Record<string, { replies: MockReply[]; attempts: number }> = {
    "500 for ever": { replies: Array.from({ length: 9 }, () => ({ status: 500 })), attempts: 5 },
    "a wrong key": { replies: [{ status: 401, body: { error: { message: "invalid x-api-key" } } }], attempts: 1 },
    "a request it refuses": { replies: [{ status: 400, body: { error: { message: "too many cats" } } }], attempts: 1 },
  };
  await Promise.all([
    ...Object.entries(passing).map(async ([name, replies]) => {
      const attempts = play(name, replies);
      const { status, text } = await turn(server, name);
      assert.equal(status, 200, `${name}: ${text}`);
      assert.equal(attempts(), replies.length, name);
    }),
    ...Object.entries(failing).map(async ([name, { replies, attempts: expected }]) => {
      const attempts = play(name, replies);
      const { status, text, log } = await turn(server, name);
      assert.equal(status, 502, `${name}: ${text}`);
      assert.equal(attempts(), expected, name);
      const end = log.find((event) => event.type === "turn_end");
      assert.equal(end?.outcome, "failed", name);
      assert.equal(end?.error?.code, "provider-error", name);
    }),
  ]);
});

test("a provider that never answers is given up when the call's time is over", async (t) => {
  const { server, play } = await rehearse(t, "anthropic", "session: { llm_timeout_seconds: 1 }\n");
  const attempts = play("silence", [{ connection: "silent" }, good]);
  const { status, text, log } = await turn(server, "silence");
  assert.equal(status, 504, text);
  assert.equal(attempts(), 1);
  assert.equal(log.find((event) => event.type === "turn_end")?.error?.code, "provider-timeout");
});

test("a tool that nobody knows and arguments that are no JSON are told to the model, and the turn goes on", async (t) => {
  const { server, play } = await rehearse(t, "anthropic");
  const cases: Record<string, MockReply> = {
    "an unknown tool": { toolCalls: [{ name: "no_such_tool", arguments: {} }] },
    "half an argument": { toolCalls: [{ name: "no_such_tool", arguments: '{"command": "ls' }] },
    "two megabytes of arguments": { toolCalls: [{ name: "no_such_tool", arguments: { text: "x".repeat(2_000_000) } }] },
  };
  await Promise.all(
    Object.entries(cases).map(async ([name, reply]) => {
      play(name, [reply, good, good, good, good]);
      const { status, text, log } = await turn(server, name);
      assert.equal(status, 200, `${name}: ${text.slice(0, 500)}`);
      assert.ok(!log.some((event) => event.type === "tool_result" && event.result.success), name);
      const last = log.findLast((event) => event.type === "assistant_response");
      assert.equal(last?.content, "all is well", name);
    }),
  );
});

/** A server whose provider plays replies by the message that it is asked about; every session of its own turn. */
async function rehearse(
  t: TestContext,
  dialect: "anthropic" | "openai",
  config = "session: { idle_timeout_seconds: 2 }\n",
) {
  const provider = await startMockProvider();
  t.after(() => provider[Symbol.asyncDispose]());
  const server = await ServerProcess.start(t, mockAgent(provider, { dialect, config }));
  return { server, play: playByMessage(provider) };
}

function playByMessage(provider: MockProvider): (name: string, replies: readonly MockReply[]) => () => number {
  const scripts = new Map<string, { replies: readonly MockReply[]; asked: number }>();
  provider.otherwise((request: MockRequest) => {
    const asked = JSON.stringify(request.body.messages);
    for (const [name, script] of scripts) {
      if (!asked.includes(`«${name}»`)) continue;
      script.asked += 1;
      return script.replies[script.asked - 1] ?? { status: 418 };
    }
    return { status: 418 };
  });
  return (name, replies) => {
    const script = { replies, asked: 0 };
    scripts.set(name, script);
    return () => script.asked;
  };
}

async function turn(
  server: ServerProcess,
  name: string,
): Promise<{ status: number; text: string; log: SessionEvent[] }> {
  const made = await ask(server.place, { path: "/api/v1/sessions", json: { agent: "mock" } });
  const path = `/api/v1/sessions/${made.json.session_id}`;
  const { status, text } = await ask(server.place, { path: `${path}/messages`, json: { content: `«${name}»` } });
  const { json } = await ask(server.place, { path: `${path}/events`, headers: { accept: "application/json" } });
  return { status, text, log: json.events };
}
