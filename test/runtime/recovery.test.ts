import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import type { Tool, ToolEffect } from "../../src/ports/tool.ts";
import type { MessageId } from "../../src/schema/ids.ts";
import { gate } from "../support/fake-model.ts";
import { eventsOf, eventually, harness, newSession, type HarnessOptions } from "../support/runtime-harness.ts";
import { openRestartableStore } from "../support/test-store.ts";
import { until } from "../support/until.ts";

const patient = { timeoutMs: 5_000, signal: new AbortController().signal };
const message = { source: "http", mayDecide: true };
const call = (id: string) => ({ call_id: id, tool_name: "touch", arguments: {} });

function touch(effect: ToolEffect, run: Tool["run"]): Tool {
  return {
    definition: { name: "touch", description: "touch", parameters: { type: "object" } },
    effect,
    fault: () => null,
    describe: () => ({ type: "cli", text: "touch" }),
    run,
  };
}

/** Kills the process in the middle of the first tool call, and starts it again with the same files. */
async function killedInTool(
  t: TestContext,
  effect: ToolEffect,
  { toolIsThere = true, ...options }: Partial<HarnessOptions> & { toolIsThere?: boolean } = {},
) {
  const disk = await openRestartableStore(t);
  const keys: string[] = [];
  const started = gate();
  const hangs = touch(effect, (_call, context) => {
    keys.push(context.idempotencyKey);
    started.open();
    return new Promise(() => {});
  });
  const first = harness({ ...options, store: disk.store, tools: [hangs] });
  const id = await newSession(first, "continue");
  first.model.reply({ calls: [call("c1")] });
  const sent = await first.sessions.send(id, { content: "go", ...message });
  await started.opened;
  await disk.kill();
  const works = touch(effect, (_call, context) => {
    keys.push(context.idempotencyKey);
    return Promise.resolve({ success: true, content: "done", outcome: "ok" });
  });
  const second = harness({ ...options, store: await disk.reopen(), tools: toolIsThere ? [works] : [] });
  await second.sessions.start();
  return { second, id, sent, keys };
}

test("a turn whose model call was cut off goes on by itself after a crash, and is answered once", async (t) => {
  const disk = await openRestartableStore(t);
  const first = harness({ store: disk.store });
  const id = await newSession(first, "continue");
  first.model.reply({ text: ["half"], hold: gate().opened });
  const holding = first.model.holding();
  const sent = await first.sessions.send(id, { content: "go", ...message });
  await holding;
  await disk.kill();
  const second = harness({ store: await disk.reopen() });
  await second.sessions.start();
  const answer = await second.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.content, "echo: go");
  const events = await eventsOf(second, id);
  const resumed = events.find((event) => event.type === "turn_resumed");
  assert.equal(resumed?.type === "turn_resumed" && resumed.cause, "crash");
  assert.equal(events.filter((event) => event.type === "assistant_response").length, 1);
});

test("in pause mode an interrupted turn waits after a crash until a client attaches", async (t) => {
  const disk = await openRestartableStore(t);
  const first = harness({ store: disk.store });
  const id = await newSession(first, "pause");
  await first.sessions.attach(id, {});
  first.model.reply({ text: ["half"], hold: gate().opened });
  const holding = first.model.holding();
  const sent = await first.sessions.send(id, { content: "go", ...message });
  await holding;
  await disk.kill();
  const second = harness({ store: await disk.reopen() });
  await second.sessions.start();
  const change = await eventually(second, id, (event) => event.type === "status_change");
  assert.deepEqual(change.type === "status_change" && [change.to, change.cause], ["paused", "recovery"]);
  assert.equal(second.model.requests.length, 0);
  await second.sessions.attach(id, {});
  const answer = await second.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.content, "echo: go");
});

test("an unsafe call whose outcome is unknown is not repeated, and the model is told", async (t) => {
  const { second, id, sent, keys } = await killedInTool(t, "unsafe");
  await second.sessions.answer(id, sent.messageId, patient);
  assert.equal(keys.length, 1);
  const result = (await eventsOf(second, id)).find((event) => event.type === "tool_result");
  assert.equal(result?.type === "tool_result" && result.result.outcome, "interrupted");
  const told = second.model.requests[0]?.messages.at(-1);
  assert.match(told?.role === "tool" ? (told.results[0]?.content ?? "") : "", /may or may not have taken effect/);
});

test("a call that is to run again, and whose tool is gone by then, says that it has run before", async (t) => {
  const retry = { session: { on_interrupted_tool: "retry" as const }, toolIsThere: false };
  const { second, id } = await killedInTool(t, "unsafe", retry);
  const result = await eventually(second, id, (event) => event.type === "tool_result");
  assert.equal(
    result.type === "tool_result" && result.result.content,
    "There is no tool touch. An earlier run of this call was interrupted and may have taken effect.",
  );
});

test("an idempotent call runs again with the same key", async (t) => {
  const { second, id, sent, keys } = await killedInTool(t, "idempotent");
  await second.sessions.answer(id, sent.messageId, patient);
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
  const starts = (await eventsOf(second, id)).filter((event) => event.type === "tool_start");
  assert.deepEqual(
    starts.map((event) => event.type === "tool_start" && event.attempt),
    [1, 2],
  );
});

test("a call that started a process which can not be found again is not run anew, and the model is told", async (t) => {
  const disk = await openRestartableStore(t);
  const started = gate();
  const loses: Tool = {
    ...touch("resumable", async (_call, { session }) => {
      await session.processStarted({ handle: "h1", startedAt: new Date().toISOString() });
      started.open();
      return new Promise(() => {});
    }),
    resume: () => Promise.resolve(null),
  };
  const first = harness({ store: disk.store, tools: [loses] });
  const id = await newSession(first, "continue");
  first.model.reply({ calls: [call("c1")] });
  const sent = await first.sessions.send(id, { content: "go", ...message });
  await started.opened;
  await disk.kill();
  const forgot: Tool = { ...loses, run: () => assert.fail("must not run again") };
  const second = harness({ store: await disk.reopen(), tools: [forgot] });
  await second.sessions.start();
  await second.sessions.answer(id, sent.messageId, patient);
  const result = (await eventsOf(second, id)).find((event) => event.type === "tool_result");
  assert.equal(result?.type === "tool_result" && result.result.outcome, "interrupted");
  assert.match(result?.type === "tool_result" ? result.result.content : "", /may or may not have taken effect/);
});

test("with on_interrupted_tool ask, an unsafe call is asked about again, and runs when allowed", async (t) => {
  const { second, id, sent, keys } = await killedInTool(t, "unsafe", { session: { on_interrupted_tool: "ask" } });
  const waits = await second.sessions.answer(id, sent.messageId, patient);
  assert.equal(waits.kind, "pending_approval");
  assert.equal(keys.length, 1);
  const { approvalId } = await second.sessions.decide(id, { callId: "c1", decision: "allow_once", decidedBy: "http" });
  const answer = await second.sessions.answerDecision(id, approvalId, patient);
  assert.equal(answer.kind, "ended");
  assert.equal(keys.length, 2);
});

test("a question that waits survives a crash", async (t) => {
  const disk = await openRestartableStore(t);
  let runs = 0;
  const counts = touch(
    "unsafe",
    () => ((runs += 1), Promise.resolve({ success: true, content: "done", outcome: "ok" })),
  );
  const options = { tools: [counts], policy: () => ({ policy: "ask" as const, denial: null }) };
  const first = harness({ store: disk.store, ...options });
  const id = await newSession(first);
  await first.sessions.attach(id, {});
  first.model.reply({ calls: [call("c1")] });
  const sent = await first.sessions.send(id, { content: "go", ...message });
  assert.equal((await first.sessions.answer(id, sent.messageId, patient)).kind, "pending_approval");
  await disk.kill();
  const second = harness({ store: await disk.reopen(), ...options });
  await second.sessions.start();
  await second.sessions.attach(id, {});
  const { approvalId } = await second.sessions.decide(id, { callId: "c1", decision: "allow_once", decidedBy: "http" });
  const answer = await second.sessions.answerDecision(id, approvalId, patient);
  assert.equal(answer.kind, "ended");
  assert.equal(runs, 1);
});

test("a turn that crashes its process three times without getting further ends as failed", async (t) => {
  const disk = await openRestartableStore(t);
  const first = harness({ store: disk.store });
  const id = await newSession(first, "continue");
  first.model.reply({ hold: gate().opened });
  let holding = first.model.holding();
  const sent: { messageId: MessageId } = await first.sessions.send(id, { content: "go", ...message });
  await holding;
  await disk.kill();
  for (let crash = 1; crash <= 2; crash += 1) {
    const next = harness({ store: await disk.reopen() });
    next.model.reply({ hold: gate().opened });
    holding = next.model.holding();
    await next.sessions.start();
    await holding;
    await disk.kill();
  }
  const last = harness({ store: await disk.reopen() });
  await last.sessions.start();
  const answer = await last.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "failed" && answer.error.code, "repeated-crash");
  assert.equal(last.model.requests.length, 0);
});

/** A session that was killed in the middle of a call that somebody had allowed, and in each of its next four lives. */
async function heldBack(t: TestContext) {
  const disk = await openRestartableStore(t);
  const started = gate();
  const hangs = touch("unsafe", () => (started.open(), new Promise(() => {})));
  const options = { tools: [hangs], policy: () => ({ policy: "ask" as const, denial: null }) };
  const first = harness({ store: disk.store, ...options });
  const id = await newSession(first, "continue");
  first.model.reply({ calls: [call("c1")] });
  const words = { content: "go", idempotencyKey: "k1", ...message };
  const { messageId } = await first.sessions.send(id, words);
  await first.sessions.answer(id, messageId, patient);
  await first.sessions.decide(id, allowed);
  await started.opened;
  await disk.kill();
  for (let life = 0; life < 4; life += 1) {
    await (await disk.reopen()).acquire(id, "worker");
    await disk.kill();
  }
  const asked = gate();
  const mayAnswer = gate();
  const store = await disk.reopen();
  const acquire = store.acquire.bind(store);
  store.acquire = async (...given) => {
    asked.open();
    await mayAnswer.opened;
    return acquire(...given);
  };
  const last = harness({ store, ...options });
  await last.sessions.start();
  await asked.opened;
  const problem = async () => (await last.sessions.get(id)).problem?.code;
  return { id, words, messageId, last, mayAnswer, problem };
}

const silence = { content: "aside", disposition: "silent", senderId: "u1" } as const;
const allowed = { callId: "c1", decision: "allow_once", decidedBy: "http" } as const;

for (const [what, insist] of [
  ["its message once more", ({ last, id, words }) => last.sessions.send(id, words)],
  ["the answer to its question once more", ({ last, id }) => last.sessions.decide(id, allowed)],
  ["its end", ({ last, id }) => last.sessions.control(id, { action: "end", by: "http", attached: false })],
] satisfies [string, (held: Awaited<ReturnType<typeof heldBack>>) => Promise<unknown>][]) {
  test(`a session that is held back goes on with ${what}, and with nothing less`, async (t) => {
    const held = await heldBack(t);
    const { id, words, messageId, last, mayAnswer, problem } = held;
    mayAnswer.open();
    await until("it is held back", async () => (await problem()) === "repeated-crash");
    const { sessions } = last;
    await assert.rejects(sessions.decide(id, { ...allowed, callId: "c2" }), { code: "not-found" });
    await assert.rejects(sessions.send(id, { ...words, content: "stop" }), { code: "conflict" });
    await assert.rejects(sessions.sendSilent(id, silence), { code: "repeated-crash" });
    const note = { handle: "proc_1", content: "done", idempotencyKey: "p1" };
    await assert.rejects(sessions.processSays(id, note), { code: "repeated-crash" });
    await new Promise(setImmediate);
    assert.equal(await problem(), "repeated-crash");
    await insist(held);
    assert.equal((await sessions.answer(id, messageId, patient)).kind, "ended");
    assert.equal(await problem(), undefined);
    if (what === "its end") await until("it has ended", async () => (await sessions.get(id)).status === "ended");
  });
}

test("what comes while a session is about to be held back sets it going", async (t) => {
  const { id, words, messageId, last, mayAnswer, problem } = await heldBack(t);
  await last.sessions.send(id, words);
  mayAnswer.open();
  assert.equal((await last.sessions.answer(id, messageId, patient)).kind, "ended");
  assert.equal(await problem(), undefined);
});
