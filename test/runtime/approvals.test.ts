import assert from "node:assert/strict";
import { test } from "node:test";

import { redactor } from "../../src/domain/redact.ts";
import type { Tool } from "../../src/ports/tool.ts";
import { DuragentError } from "../../src/schema/problem.ts";
import type { ToolCall } from "../../src/schema/session-event.ts";
import { eventsOf, eventually, harness, newSession, type HarnessOptions } from "../support/runtime-harness.ts";
import { openRestartableStore, openTestStore } from "../support/test-store.ts";

const patient = { timeoutMs: 5_000, signal: new AbortController().signal };
const message = { source: "http", mayDecide: true };
const call: ToolCall = { call_id: "c1", tool_name: "touch", arguments: { command: "touch x" } };
const asks: Pick<HarnessOptions, "policy"> = { policy: () => ({ policy: "ask", denial: null }) };

function touching(
  run: Tool["run"] = () => Promise.resolve({ success: true, content: "touched", outcome: "ok" }),
): Tool {
  return {
    definition: { name: "touch", description: "touch", parameters: { type: "object" } },
    effect: "unsafe",
    fault: () => null,
    describe: () => ({ type: "bash", text: "touch x" }),
    run,
  };
}

test("an approval that can not be kept for later is one all the same, and says why it holds once only", async (t) => {
  const running = harness({ store: await openTestStore(t), tools: [touching()], ...asks });
  const { toolsOf } = running.parts;
  running.parts.toolsOf = (agent) => ({
    ...toolsOf(agent),
    allowAlways: () => Promise.reject(new DuragentError("storage-full", "the disk is full")),
  });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ calls: [call] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await running.sessions.answer(id, sent.messageId, patient);
  const decided = await running.sessions.decide(id, { callId: "c1", decision: "allow_always", decidedBy: "http" });
  assert.equal(decided.notKept, "the disk is full");
  const answer = await running.sessions.answerDecision(id, decided.approvalId, patient);
  assert.equal(answer.kind, "ended");
  const result = await eventually(running, id, (event) => event.type === "tool_result");
  assert.equal(result.type === "tool_result" && result.result.content, "touched");
});

test("always allow of a tool that is not there any more says that nothing was kept", async (t) => {
  const running = harness({ store: await openTestStore(t), tools: [touching()], ...asks });
  const { toolsOf } = running.parts;
  let tools = [touching()];
  running.parts.toolsOf = (agent) => ({
    ...toolsOf(agent),
    get tools() {
      return tools;
    },
  });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ calls: [call] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await running.sessions.answer(id, sent.messageId, patient);
  tools = [];
  const decided = await running.sessions.decide(id, { callId: "c1", decision: "allow_always", decidedBy: "http" });
  assert.match(decided.notKept ?? "", /^its tool can not be used now, so nothing is kept for later/);
  assert.equal((await running.sessions.answerDecision(id, decided.approvalId, patient)).kind, "ended");
});

test("a tool that its server changes while the question is open is asked about anew; always keeps what was asked about", async (t) => {
  const keptAs: unknown[] = [];
  const ran: string[] = [];
  const version = (fingerprint: string): Tool => ({
    ...touching(() => (ran.push(fingerprint), Promise.resolve({ success: true, content: "", outcome: "ok" }))),
    describe: () => ({ type: "mcp", text: "files__touch", fingerprint }),
  });
  const running = harness({ store: await openTestStore(t), ...asks });
  const { toolsOf } = running.parts;
  let tools = [version("one")];
  running.parts.toolsOf = (agent) => ({
    ...toolsOf(agent),
    get tools() {
      return tools;
    },
    allowAlways: (_tool, _call, fingerprint) => (keptAs.push(fingerprint), Promise.resolve()),
  });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ calls: [call] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await running.sessions.answer(id, sent.messageId, patient);
  tools = [version("other")];
  const first = await running.sessions.decide(id, { callId: "c1", decision: "allow_always", decidedBy: "http" });
  const again = await running.sessions.answerDecision(id, first.approvalId, patient);
  assert.equal(again.kind, "pending_approval");
  assert.deepEqual([keptAs, ran], [["one"], []]);
  const second = await running.sessions.decide(id, { callId: "c1", decision: "allow_once", decidedBy: "http" });
  assert.notEqual(second.approvalId, first.approvalId);
  assert.equal((await running.sessions.answerDecision(id, second.approvalId, patient)).kind, "ended");
  assert.deepEqual(ran, ["other"]);
});

test("what was never to be kept is one line of the log without a stack; a disk that fails has one", async (t) => {
  for (const [code, level] of [
    ["conflict", "info"],
    ["storage-full", "error"],
  ] as const) {
    const running = harness({ store: await openTestStore(t), tools: [touching()], ...asks });
    const { toolsOf } = running.parts;
    const allowAlways = () => Promise.reject(new DuragentError(code, "it can only be allowed this once"));
    running.parts.toolsOf = (agent) => ({ ...toolsOf(agent), allowAlways });
    const id = await newSession(running);
    await running.sessions.attach(id, {});
    running.model.reply({ calls: [call] });
    const sent = await running.sessions.send(id, { content: "go", ...message });
    await running.sessions.answer(id, sent.messageId, patient);
    await running.sessions.decide(id, { callId: "c1", decision: "allow_always", decidedBy: "http" });
    const [line] = running.log.filter((one) => one.message.startsWith("an approval was not kept for later"));
    assert.equal(line?.level, level);
    assert.match(line.message, /it can only be allowed this once/);
    assert.equal(/\bat .*\.ts/.test(line.message), level === "error");
  }
});

test("a question shows the arguments of the call, wherever it is shown, and no secret in them", async (t) => {
  const told = `write_file {"path":"notes.txt","content":"hello *** there"}`;
  const tool = {
    ...touching(() => Promise.resolve({ success: true, content: "written", outcome: "ok" })),
    definition: { name: "write_file", description: "writes", parameters: { type: "object" } },
    describe: () => ({ type: "builtin" as const, text: "write_file" }),
  };
  const running = harness({ store: await openTestStore(t), tools: [tool], ...asks });
  running.parts.redact = (value) => redactor(["hunter2hunter2"]).value(value);
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  const given = { path: "notes.txt", content: "hello hunter2hunter2 there" };
  running.model.reply({ calls: [{ call_id: "c1", tool_name: "write_file", arguments: given }] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "pending_approval" && answer.command, told);
  const asked = await eventually(running, id, (event) => event.type === "approval_required");
  assert.equal(asked.type === "approval_required" && asked.command, told);
  const [pending] = (await running.sessions.get(id)).pendingApprovals;
  assert.equal(pending?.command, told);
  const decision = { callId: "c1", command: told, decision: "allow_once" as const, decidedBy: "http" };
  const { approvalId } = await running.sessions.decide(id, decision);
  assert.equal((await running.sessions.answerDecision(id, approvalId, patient)).kind, "ended");
});

test("a question waits through a restart, and is answered by its id", async (t) => {
  let runs = 0;
  const tools = [touching(() => ((runs += 1), Promise.resolve({ success: true, content: "", outcome: "ok" })))];
  const disk = await openRestartableStore(t);
  const first = harness({ store: disk.store, tools, ...asks });
  const id = await newSession(first, "continue");
  first.model.reply({ calls: [call] });
  await first.sessions.send(id, { content: "go", ...message });
  await eventually(first, id, (event) => event.type === "approval_required");
  const [before] = (await first.sessions.get(id)).pendingApprovals;
  await disk.kill();

  const second = harness({ store: await disk.reopen(), tools, ...asks });
  await second.sessions.start();
  const [after, ...more] = (await second.sessions.get(id)).pendingApprovals;
  assert.deepEqual([after, more], [before, []]);
  assert.equal(runs, 0);
  const { approvalId = "" } = before ?? {};
  await second.sessions.decide(id, { callId: "c1", approvalId, decision: "allow_once", decidedBy: "http" });
  await second.sessions.answerDecision(id, approvalId, patient);
  assert.equal(runs, 1);
  assert.equal((await eventsOf(second, id)).filter(({ type }) => type === "approval_required").length, 1);
});

test("what always would keep is shown with a question also just after a restart, when no tool was looked for yet", async (t) => {
  const disk = await openRestartableStore(t);
  const first = harness({ store: disk.store, tools: [touching()], ...asks });
  const id = await newSession(first, "continue");
  first.model.reply({ calls: [call] });
  await first.sessions.send(id, { content: "go", ...message });
  await eventually(first, id, (event) => event.type === "approval_required");
  await disk.kill();

  const second = harness({ store: await disk.reopen(), tools: [touching()], ...asks });
  const { toolsOf } = second.parts;
  second.parts.toolsOf = (agent) => {
    const set = toolsOf(agent);
    let tools: readonly Tool[] = [];
    const prepare = async (): Promise<void> => {
      await new Promise((resolve) => setImmediate(resolve));
      tools = set.tools;
    };
    return Object.defineProperty({ ...set, prepare }, "tools", { get: () => tools });
  };
  const [question] = (await second.sessions.get(id)).pendingApprovals;
  assert.deepEqual(question?.always, ["cli:touch x"]);
});

test("an answer to another command, or to another question, runs nothing", async (t) => {
  const tools = [touching(() => assert.fail("must not run"))];
  const running = harness({ store: await openTestStore(t), tools, ...asks });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ calls: [call] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await running.sessions.answer(id, sent.messageId, patient);
  const answer = { callId: "c1", decision: "allow_once" as const, decidedBy: "http" };
  const approvalId = `appr_${"0".repeat(26)}`;
  await assert.rejects(running.sessions.decide(id, { ...answer, command: "touch  x" }), { code: "conflict" });
  await assert.rejects(running.sessions.decide(id, { ...answer, approvalId }), { code: "not-found" });
  await assert.rejects(running.sessions.decide(id, { ...answer, callId: "c2" }), { code: "not-found" });
  assert.equal((await running.sessions.get(id)).pendingApprovals.length, 1);
});

test("cancelling while a question is open ends the turn without running the call", async (t) => {
  const tools = [touching(() => assert.fail("must not run"))];
  const running = harness({ store: await openTestStore(t), tools, ...asks });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ calls: [call] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await running.sessions.answer(id, sent.messageId, patient);
  await running.sessions.control(id, { action: "cancel", by: "http", attached: true });
  const end = await eventually(running, id, (event) => event.type === "turn_end");
  assert.equal(end.type === "turn_end" && end.outcome, "cancelled");
  await assert.rejects(running.sessions.decide(id, { callId: "c1", decision: "allow_once", decidedBy: "http" }));
});
