import assert from "node:assert/strict";
import { test } from "node:test";

import type { Tool, ToolEffect } from "../../src/ports/tool.ts";
import type { ToolCall } from "../../src/schema/session-event.ts";
import { gate } from "../support/fake-model.ts";
import { eventsOf, eventually, harness, newSession, typesOf } from "../support/runtime-harness.ts";
import { openTestStore } from "../support/test-store.ts";
import { until } from "../support/until.ts";
import { createVirtualClock } from "../support/virtual-clock.ts";

const patient = { timeoutMs: 5_000, signal: new AbortController().signal };
const message = { source: "http", mayDecide: true };
const call = (id: string, name = "touch", given: ToolCall["arguments"] = {}): ToolCall => ({
  call_id: id,
  tool_name: name,
  arguments: given,
});

function tool(name: string, effect: ToolEffect, run: Tool["run"], parallelSafe = false): Tool {
  return {
    definition: { name, description: name, parameters: { type: "object" } },
    effect,
    parallelSafe,
    fault: () => null,
    describe: ({ call_id }) => ({ type: "cli", text: `${name} ${call_id}` }),
    run,
  };
}
const ok = (content: string) => Promise.resolve({ success: true, content, outcome: "ok" as const });

test("a tool runs after its start is durable, and the model gets its result", async (t) => {
  const seen: string[][] = [];
  const touch = tool("touch", "unsafe", async (_call, { sessionId }) => {
    seen.push(await typesOf(running, sessionId));
    return ok("touched");
  });
  const running = harness({ store: await openTestStore(t), tools: [touch] });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ calls: [call("c1")] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind, "ended");
  assert.equal(seen[0]?.at(-1), "tool_start");
  const toolMessage = running.model.requests[1]?.messages.at(-1);
  assert.deepEqual(toolMessage?.role === "tool" && toolMessage.results[0]?.content, "touched");
});

test("calls of no tool and broken arguments are told to the model, and nothing runs", async (t) => {
  const touch = tool("touch", "unsafe", () => assert.fail("must not run"));
  const running = harness({ store: await openTestStore(t), tools: [touch] });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ calls: [call("c1", "nothing"), call("c2", "touch", "{broken")] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await running.sessions.answer(id, sent.messageId, patient);
  const results = (await eventsOf(running, id)).flatMap((event) =>
    event.type === "tool_result" ? [event.result] : [],
  );
  assert.deepEqual(
    results.map((result) => result.outcome),
    ["error", "error"],
  );
  assert.match(results[0]?.content ?? "", /no tool nothing/);
  assert.match(results[1]?.content ?? "", /not valid JSON/);
});

test("a call that must be asked about waits, runs once it is allowed, and the same decision again changes nothing", async (t) => {
  let runs = 0;
  const touch = tool("touch", "unsafe", () => ((runs += 1), ok("touched")));
  const running = harness({
    store: await openTestStore(t),
    tools: [touch],
    policy: () => ({ policy: "ask", denial: null }),
  });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ calls: [call("c1")] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  const waits = await running.sessions.answer(id, sent.messageId, patient);
  assert.deepEqual([waits.kind, waits.kind === "pending_approval" && waits.command], ["pending_approval", "touch {}"]);
  const view = await running.sessions.get(id);
  assert.equal(view.activity, "awaiting_approval");
  assert.equal(view.pendingApprovals[0]?.callId, "c1");
  await assert.rejects(
    running.sessions.decide(id, { callId: "c1", decision: "allow_once", command: "rm -rf /", decidedBy: "http" }),
    { code: "conflict" },
  );
  assert.equal(runs, 0);
  const decided = await running.sessions.decide(id, { callId: "c1", decision: "allow_always", decidedBy: "http" });
  const answer = await running.sessions.answerDecision(id, decided.approvalId, patient);
  assert.equal(answer.kind === "ended" && answer.content, "echo: go");
  assert.equal(runs, 1);
  assert.deepEqual(running.kept, ["cli:touch c1"]);
  const again = await running.sessions.decide(id, { callId: "c1", decision: "allow_always", decidedBy: "http" });
  assert.equal(again.repeated, true);
  await assert.rejects(running.sessions.decide(id, { callId: "c1", decision: "deny", decidedBy: "http" }), {
    code: "conflict",
  });
  await assert.rejects(running.sessions.decide(id, { callId: "cx", decision: "deny", decidedBy: "http" }), {
    code: "not-found",
  });
});

test("a new message by who may decide denies the question", async (t) => {
  const touch = tool("touch", "unsafe", () => assert.fail("must not run"));
  const running = harness({
    store: await openTestStore(t),
    tools: [touch],
    policy: () => ({ policy: "ask", denial: null }),
  });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ calls: [call("c1"), call("c2")] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await running.sessions.answer(id, sent.messageId, patient);
  const second = await running.sessions.send(id, { content: "no, stop", ...message });
  const answer = await running.sessions.answer(id, second.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.content, "echo: no, stop");
  const events = await eventsOf(running, id);
  const result = events.find((event) => event.type === "tool_result");
  assert.equal(result?.type === "tool_result" && result.result.outcome, "denied");
  assert.ok(events.some((event) => event.type === "tools_skipped" && event.call_ids.includes("c2")));
});

test("calls that say so run side by side, others one after the other", async (t) => {
  const both = gate();
  let atOnce = 0;
  const look = tool(
    "look",
    "pure",
    async () => {
      atOnce += 1;
      if (atOnce === 2) both.open();
      await both.opened;
      return ok("seen");
    },
    true,
  );
  const running = harness({ store: await openTestStore(t), tools: [look] });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ calls: [call("c1", "look"), call("c2", "look")] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind, "ended");
});

test("cancelling stops the tool, settles every call and ends the turn", async (t) => {
  const started = gate();
  const wait = tool("wait", "unsafe", (_call, { signal }) => {
    started.open();
    return new Promise((resolve) =>
      signal.addEventListener("abort", () => resolve({ success: false, content: "stopped", outcome: "cancelled" })),
    );
  });
  const running = harness({ store: await openTestStore(t), tools: [wait] });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ text: ["on it"], calls: [call("c1", "wait"), call("c2", "wait")] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await started.opened;
  await running.sessions.control(id, { action: "cancel", by: "http", attached: true });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.outcome, "cancelled");
  const events = await eventsOf(running, id);
  assert.ok(events.some((event) => event.type === "tool_result" && event.call_id === "c1"));
  assert.ok(events.some((event) => event.type === "tools_skipped" && event.call_ids.includes("c2")));
});

test("a tool that does not stop when it is told to is given up, and may have taken effect", async (t) => {
  const started = gate();
  const deaf = tool("deaf", "unsafe", () => {
    started.open();
    return new Promise(() => undefined);
  });
  const clock = createVirtualClock();
  const running = harness({ store: await openTestStore(t), tools: [deaf], clock });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ calls: [call("c1", "deaf")] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await started.opened;
  const timers = clock.pending();
  await running.sessions.control(id, { action: "cancel", by: "http", attached: true });
  await until("the tool was told to stop", () => clock.pending() > timers);
  clock.advance(10_000);
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.outcome, "cancelled");
  const result = (await eventsOf(running, id)).find((event) => event.type === "tool_result");
  assert.match(result?.type === "tool_result" ? result.result.content : "", /It may have taken effect/);
});

test("too many model calls end the turn with a notice", async (t) => {
  const touch = tool("touch", "unsafe", () => ok("touched"));
  const running = harness({ store: await openTestStore(t), tools: [touch], session: { max_tool_iterations: 2 } });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  for (const n of ["c1", "c2", "c3"]) running.model.reply({ calls: [call(n)] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.outcome, "limit_reached");
  assert.match(answer.kind === "ended" ? answer.content : "", /max_tool_iterations/);
  assert.equal(running.model.requests.length, 2);
  await eventually(running, id, (event) => event.type === "turn_end");
});
