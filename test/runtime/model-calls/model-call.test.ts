import assert from "node:assert/strict";
import { test } from "node:test";

import type { ModelPart } from "../../../src/ports/model.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";
import { failing, finish, setUp, text, usage } from "../playing-models.ts";

test("an answer carries its text, thoughts, calls, usage and times", async () => {
  const call: ModelPart = { type: "tool_call", call: { call_id: "c", tool_name: "bash", arguments: {} } };
  const { call: run, seen } = setUp([
    [
      [
        { waitMs: 40 },
        { type: "thinking", text: "hm" },
        { waitMs: 60 },
        ...text("a", "b"),
        call,
        { ...finish, type: "finish", stop: "tool_calls", providerState: { x: 1 } },
      ],
    ],
  ]);
  assert.deepEqual(await run(), {
    kind: "response",
    text: "ab",
    thinking: "hm",
    toolCalls: [{ call: { call_id: "c", tool_name: "bash", arguments: {} } }],
    stop: "tool_calls",
    usage,
    providerState: { x: 1 },
    provider: "test",
    model: "model-1",
    attempts: 1,
    latencyMs: 100,
    firstTokenMs: 40,
    wastedUsage: [],
  });
  assert.deepEqual(seen, ["try 1 model-1", "(hm)", "a", "b"]);
});

test("a failure that may pass is tried again after a growing wait, and what was shown is taken back", async () => {
  const { call, seen } = setUp([[[...text("half"), failing(529)], [failing(500)], [...text("whole"), finish]]]);
  const result = await call();
  assert.equal(result.kind, "response");
  assert.deepEqual([result.text, result.attempts], ["whole", 3]);
  assert.deepEqual(seen, [
    "try 1 model-1",
    "half",
    "wait 499",
    "reset",
    "try 2 model-1",
    "wait 999",
    "try 3 model-1",
    "whole",
  ]);
});

test("what the provider asks to wait for is waited for", async () => {
  const { call, clock } = setUp([[[failing(429, { retryAfterMs: 90_000 })], [finish]]]);
  assert.equal((await call()).kind, "response");
  assert.deepEqual(clock.slept, [90_500]);
});

test("a wait that would outlast the call's time is not begun", async () => {
  const { call, clock } = setUp([[[failing(429, { retryAfterMs: 400_000 })]]]);
  const result = await call();
  assert.equal(result.kind, "failed");
  assert.deepEqual([result.code, result.status, result.retryable, result.attempts], ["provider-error", 429, true, 1]);
  assert.deepEqual(clock.slept, []);
});

test("at most five tries are made of one model", async () => {
  const { call, played } = setUp([Array.from({ length: 9 }, () => [failing(503)])]);
  const result = await call();
  assert.equal(result.kind, "failed");
  assert.deepEqual([result.message, result.attempts, played[0]?.tries()], ["status 503", 5, 5]);
});

for (const status of [400, 401, 403, 404]) {
  test(`status ${status} is not tried again`, async () => {
    const { call, played } = setUp([[[failing(status)], [finish]]]);
    const result = await call();
    assert.equal(result.kind, "failed");
    assert.deepEqual([result.status, result.retryable, played[0]?.tries()], [status, false, 1]);
  });
}

test("the fallbacks are asked in their order, each with tries of its own", async () => {
  const { call, seen } = setUp([
    [[failing(404)]],
    Array.from({ length: 5 }, () => [failing(500)]),
    [[...text("hi"), finish]],
  ]);
  const result = await call();
  assert.equal(result.kind, "response");
  assert.deepEqual([result.model, result.attempts], ["model-3", 7]);
  assert.deepEqual(seen.filter((word) => word.startsWith("try")).at(-1), "try 7 model-3");
});

test("when all fallbacks fail, each one's words are told", async () => {
  const { call } = setUp([[[failing(404)]], [[failing(401)]]]);
  const result = await call();
  assert.equal(result.kind, "failed");
  assert.equal(result.message, "test/model-1: status 404; test/model-2: status 401");
  assert.deepEqual([result.status, result.model], [401, "model-2"]);
});

test("what failed tries used is told", async () => {
  const { call } = setUp([[[failing(500, { usage })], [finish]]]);
  const result = await call();
  assert.deepEqual(result.wastedUsage, [{ usage, provider: "test", model: "model-1" }]);
});

test("a stream without an end marker is a failure, and none of its calls is in an answer", async () => {
  const call: ModelPart = { type: "tool_call", call: { call_id: "c", tool_name: "bash", arguments: {} } };
  const { call: run } = setUp([[[call], [...text("whole"), finish]]]);
  const result = await run();
  assert.equal(result.kind, "response");
  assert.deepEqual([result.attempts, result.toolCalls], [2, []]);
});

test("a failed call takes back what it showed", async () => {
  const { call, seen } = setUp([[[...text("half"), failing(400)]]]);
  assert.equal((await call()).kind, "failed");
  assert.deepEqual(seen, ["try 1 model-1", "half", "reset"]);
});

test("an error that is no provider's answer is a failure all the same", async () => {
  const { call, played } = setUp([[[]]]);
  const [first] = played;
  assert.ok(first);
  // oxlint-disable-next-line require-yield -- it fails before it says anything
  first.model.stream = async function* () {
    throw new TypeError("model.reasoning_effort: odd");
  };
  const result = await call();
  assert.equal(result.kind, "failed");
  assert.deepEqual([result.message, result.retryable], ["model.reasoning_effort: odd", false]);
});

test("cancelled in the middle of an answer, what was shown is kept, although the model hangs", async () => {
  const { call, cancel, played } = setUp([[[{ type: "thinking", text: "hm" }, ...text("one ", "two"), "hang"]]], {
    onText: (piece) => {
      if (piece === "two") queueMicrotask(() => cancel.abort("cancel"));
    },
  });
  const result = await call();
  assert.equal(result.kind, "aborted");
  assert.deepEqual(
    [result.partialText, result.thinking, result.attempts, result.model],
    ["one two", "hm", 1, "model-1"],
  );
  assert.equal(played[0]?.signals[0]?.reason, "cancel");
});

test("cancelled while it waits, nothing is tried again and what was shown is kept", async () => {
  const clock = createVirtualClock();
  const { call, cancel, played } = setUp([[[...text("half"), failing(500)], [finish]]], {
    clock,
    onBackoff: () => queueMicrotask(() => cancel.abort()),
  });
  const result = await call();
  assert.equal(result.kind, "aborted");
  assert.deepEqual([result.partialText, played[0]?.tries()], ["half", 1]);
});

test("cancelled before it begins, nothing is asked", async () => {
  const { call, cancel, played } = setUp([[[finish]]]);
  cancel.abort();
  const result = await call();
  assert.equal(result.kind, "aborted");
  assert.deepEqual([result.attempts, played[0]?.tries(), result.partialText], [0, 0, ""]);
});

test("no timer is left behind, however a call ends", async () => {
  for (const tries of [[[...text("a"), finish]], [[failing(400)]], [[...text("a"), failing(500)], [finish]]]) {
    const { call, clock } = setUp([tries]);
    await call();
    assert.equal(clock.pending(), 0);
  }
});

test("an error of whoever listens is not taken for the provider's", async () => {
  const { call } = setUp([[[...text("a"), finish]]], {
    onText: () => {
      throw new Error("the listener broke");
    },
  });
  await assert.rejects(call, /the listener broke/);
});
