import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import type { Tool, ToolContext } from "../../src/ports/tool.ts";
import { noGateways } from "../../src/runtime/gateways/no-gateways.ts";
import type { RuntimeParts } from "../../src/runtime/parts.ts";
import { agentAccessSchema } from "../../src/schema/agent-access.ts";
import type { SessionId } from "../../src/schema/ids.ts";
import { DuragentError } from "../../src/schema/problem.ts";
import type { EventOf, EventType } from "../../src/schema/session-event.ts";
import { gate } from "../support/fake-model.ts";
import {
  eventsOf,
  eventually,
  harness,
  typesOf,
  type Harness,
  type HarnessOptions,
} from "../support/runtime-harness.ts";
import { openRestartableStore, openTestStore } from "../support/test-store.ts";

/** A platform that takes commands while it is `ready`, and delivers nothing. */
function platform(): RuntimeParts["gateways"] & { ready: boolean } {
  const gateways = { ...noGateways, ready: true, isReady: (): boolean => gateways.ready };
  return gateways;
}

const chat = (chatType: "dm" | "group" = "group") => ({ name: "tg", chatId: "7", chatType });
const patient = { timeoutMs: 5_000, signal: new AbortController().signal };
const fromChat = (n: number) => ({
  source: "gateway:tg",
  senderId: "u1",
  senderName: "Bob",
  gatewayMessageId: `p${n}`,
});

const tell = (run: (context: ToolContext) => Promise<string>): Tool => ({
  definition: { name: "tell", description: "tells", parameters: { type: "object" } },
  effect: "idempotent",
  fault: () => null,
  describe: () => ({ type: "builtin", text: "tell them" }),
  run: async (_call, context) => ({ success: true, content: await run(context), outcome: "ok" }),
});
const call = { call_id: "c1", tool_name: "tell", arguments: {} };

async function running(options: HarnessOptions, access: object = {}): Promise<Harness> {
  const made = harness({ gateways: platform(), ...options });
  const agent = await made.parts.catalog.get("tester");
  if (agent) agent.definition.spec.access = agentAccessSchema.parse(access);
  return made;
}

/** To be called before the store is opened: hooks run in their order, and a store that is gone answers no more. */
function stoppedAfter(t: TestContext): (made: Harness) => Harness {
  const stops: Harness[] = [];
  t.after(() => Promise.all(stops.map(({ sessions }) => sessions.stop(0))));
  return (made) => (stops.push(made), made);
}

async function started(
  t: TestContext,
  { access, chatType, ...options }: Partial<HarnessOptions> & { access?: object; chatType?: "dm" | "group" } = {},
): Promise<{ made: Harness; id: SessionId }> {
  const stop = stoppedAfter(t);
  const made = stop(await running({ store: await openTestStore(t), ...options }, access));
  const { session } = await made.sessions.create({ agent: "tester", onDisconnect: "pause", gateway: chat(chatType) });
  return { made, id: session.sessionId };
}

type Of<Type extends EventType> = Extract<EventOf<EventType>, { type: Type }>;
const all = async <Type extends EventType>(made: Harness, id: SessionId, type: Type): Promise<Of<Type>[]> =>
  (await eventsOf(made, id)).filter((event): event is Of<Type> => event.type === type);

test("a chat's session works while its gateway is ready, without a client, and pauses while it is not", async (t) => {
  const gateways = platform();
  const { made, id } = await started(t, { gateways });
  const sent = await made.sessions.send(id, { content: "hi", ...fromChat(1) });
  assert.equal((await made.sessions.answer(id, sent.messageId, patient)).kind, "ended");
  assert.equal((await made.sessions.get(id)).attachedClients, 0);
  gateways.ready = false;
  const later = await made.sessions.send(id, { content: "again", ...fromChat(2) });
  assert.deepEqual(await made.sessions.answer(id, later.messageId, patient), { kind: "open", status: "paused" });
  const [text] = await all(made, id, "gateway_send");
  assert.deepEqual([text?.content, text?.reply_to, text?.gateway, text?.chat_id], ["echo: hi", "p1", "tg", "7"]);
});

test("a queue that is full is seen to while the model answers: told, dropped, and not shown to the model", async (t) => {
  const queue = { mode: "sequential", max_pending: 1, overflow: "reject", reject_message: "Busy." };
  const { made, id } = await started(t, { access: { groups: { queue } } });
  const held = gate();
  made.model.reply({ text: ["one"], hold: held.opened });
  const holding = made.model.holding();
  await made.sessions.send(id, { content: "first", delivery: "queue", ...fromChat(1) });
  await holding;
  await made.sessions.send(id, { content: "second", delivery: "queue", ...fromChat(2) });
  await made.sessions.send(id, { content: "over http", source: "http", delivery: "queue" });
  const third = await made.sessions.send(id, { content: "third", delivery: "queue", ...fromChat(3) });
  assert.deepEqual(await made.sessions.answer(id, third.messageId, patient), {
    kind: "dropped",
    reason: "more than 1 messages waited (overflow reject)",
  });
  assert.ok(!(await typesOf(made, id)).includes("assistant_response"), "the model still answers");
  const [notice] = await all(made, id, "gateway_send");
  assert.deepEqual([notice?.content, notice?.reply_to, notice?.kind], ["Busy.", "p3", "notice"]);
  held.open();
  await eventually(made, id, (event) => event.type === "assistant_response" && event.content === "echo: over http");
  const starts = await all(made, id, "turn_start");
  assert.deepEqual(
    starts.map((start) => start.message_ids.length),
    [1, 1, 1],
  );
});

test("what a queue drops is counted by why, and said in a line of the log, once a minute", async (t) => {
  const counted: unknown[] = [];
  const queue = { mode: "sequential", max_pending: 1, overflow: "drop_new" };
  const { made, id } = await started(t, { access: { groups: { queue } } });
  made.parts.metrics.add = (name, labels, value) =>
    name === "duragent_messages_dropped_total" ? counted.push([labels?.reason, value]) : undefined;
  const held = gate();
  made.model.reply({ text: ["one"], hold: held.opened });
  const holding = made.model.holding();
  await made.sessions.send(id, { content: "first", delivery: "queue", ...fromChat(1) });
  await holding;
  await made.sessions.send(id, { content: "second", delivery: "queue", ...fromChat(2) });
  const third = await made.sessions.send(id, { content: "third", delivery: "queue", ...fromChat(3) });
  assert.equal((await made.sessions.answer(id, third.messageId, patient)).kind, "dropped");
  const fourth = await made.sessions.send(id, { content: "fourth", delivery: "queue", ...fromChat(4) });
  assert.equal((await made.sessions.answer(id, fourth.messageId, patient)).kind, "dropped");
  const overflow = ["overflow_new", 1];
  assert.deepEqual(counted, [overflow, overflow]);
  // The one that waits is left, too: while the model answers, and with nobody there to take it up.
  await made.sessions.control(id, { action: "end", by: "http", attached: true });
  await eventually(made, id, ({ type }) => type === "session_end");
  held.open();
  assert.deepEqual(counted, [overflow, overflow, ["session_end", 1]]);
  const lines = made.log.filter(({ message }) => message.startsWith("messages were dropped"));
  assert.deepEqual(
    lines.map(({ level, message }) => `${level}: ${message}`),
    ["overflow_new", "session_end"].map(
      (reason) => `info: messages were dropped ${JSON.stringify({ session_id: id, count: 1, reason })}`,
    ),
  );
});

test("a burst is held back until its sender pauses, and taken together when that time has come", async (t) => {
  const { made, id } = await started(t);
  const notBefore = new Date(made.parts.clock.now() + 80).toISOString();
  const first = await made.sessions.send(id, { content: "one", notBefore, ...fromChat(1) });
  await made.sessions.send(id, { content: "two", notBefore, ...fromChat(2) });
  await made.sessions.answer(id, first.messageId, patient);
  const [start, ...others] = await all(made, id, "turn_start");
  assert.deepEqual([start?.message_ids.length, others.length], [2, 0]);
  assert.ok((start?.timestamp ?? "") >= notBefore);
});

test("what the group said is shown to the model with the next message, and again the same after a crash", async (t) => {
  const stop = stoppedAfter(t);
  const disk = await openRestartableStore(t);
  const access = { groups: { context_buffer: { max_messages: 2 } } };
  const first = await running({ store: disk.store }, access);
  const { session } = await first.sessions.create({ agent: "tester", gateway: chat() });
  const id = session.sessionId;
  for (const content of ["old", "lunch?", "at noon"])
    await first.sessions.sendSilent(id, {
      content,
      senderId: "u2",
      senderName: "Eve",
      disposition: "silent",
      context: true,
    });
  first.model.reply({ text: ["half"], hold: gate().opened });
  const holding = first.model.holding();
  const sent = await first.sessions.send(id, { content: "Bob: when?", ...fromChat(1) });
  await holding;
  // For the next turn, also where this one is asked for again.
  await first.sessions.sendSilent(id, { content: "or one", senderId: "u2", disposition: "silent", context: true });
  await disk.kill();
  const second = stop(await running({ store: await disk.reopen() }, access));
  await second.sessions.start();
  await second.sessions.answer(id, sent.messageId, patient);
  const [before, after] = [first.model.requests[0], second.model.requests[0]];
  assert.deepEqual(after?.messages, before?.messages);
  assert.deepEqual(
    after?.messages.map((message) => message.role === "user" && message.content.split("\n").slice(-2)),
    [["Eve: lunch?", "Eve: at noon"], ["Bob: when?"]],
  );
  const next = await second.sessions.send(id, { content: "Bob: thanks", ...fromChat(2) });
  await second.sessions.answer(id, next.messageId, patient);
  const shown = JSON.stringify(second.model.requests[1]?.messages);
  assert.ok(shown.includes("u2: or one") && !shown.includes("lunch?"), "each is shown in one turn");
});

test("in a group a question waits for a quarter of an hour, in a direct chat without end, and what is set holds in both", async (t) => {
  const asks = { policy: () => ({ policy: "ask" as const, denial: null }), tools: [tell(async () => "told")] };
  const waits = async (chatType: "dm" | "group", approvalTimeoutMs?: number): Promise<number | null> => {
    const set = approvalTimeoutMs === undefined ? {} : { approvalTimeoutMs };
    const { made, id } = await started(t, { chatType, ...asks, ...set });
    made.model.reply({ calls: [call] });
    await made.sessions.send(id, { content: "go", ...fromChat(1) });
    const question = await eventually(made, id, (event) => event.type === "approval_required");
    const [prompt] = await all(made, id, "gateway_send");
    assert.ok(prompt?.kind === "approval" && prompt.seq === question.seq - 1, "it is asked in the chat");
    assert.equal(prompt.inline_keyboard?.rows[0]?.length, 3);
    const expires = question.type === "approval_required" ? question.expires_at : undefined;
    return expires === undefined ? null : Math.round((Date.parse(expires) - Date.parse(question.timestamp)) / 1_000);
  };
  assert.deepEqual(
    [await waits("group"), await waits("dm"), await waits("group", 5_000), await waits("dm", 5_000)],
    [900, null, 5, 5],
  );
});

test("a decision in the chat is told by an edit of what asked, and the turn goes on", async (t) => {
  const asks = { policy: () => ({ policy: "ask" as const, denial: null }), tools: [tell(async () => "told")] };
  const { made, id } = await started(t, { ...asks });
  made.model.reply({ calls: [call] });
  await made.sessions.send(id, { content: "go", ...fromChat(1) });
  await eventually(made, id, (event) => event.type === "approval_required");
  const decision = { callId: "c1", decision: "allow_once" as const, mayDecide: false };
  await assert.rejects(made.sessions.decide(id, { ...decision, decidedBy: "u2" }), { code: "forbidden" });
  await made.sessions.decide(id, { ...decision, decidedBy: "u1" });
  const edit = await eventually(made, id, (event) => event.type === "gateway_send" && event.kind === "edit");
  assert.ok(edit.type === "gateway_send" && edit.content.endsWith("Allowed once by Bob"));
  const [prompt] = await all(made, id, "gateway_send");
  assert.equal(edit.edits, prompt?.request_id);
  await eventually(made, id, (event) => event.type === "turn_end");
});

test("a tool that notifies whoever it works for speaks in the session's chat, in the turn's thread", async (t) => {
  const notify = tell(
    async ({ session, idempotencyKey }) => (await session.notify({ content: "half", idempotencyKey })).to,
  );
  const { made, id } = await started(t, { tools: [notify] });
  made.model.reply({ calls: [call] });
  await made.sessions.send(id, { content: "go", ...fromChat(1), threadId: "t5" });
  const result = await eventually(made, id, (event) => event.type === "tool_result");
  assert.equal(result.type === "tool_result" && result.result.content, "this chat");
  const [notice] = await all(made, id, "gateway_send");
  assert.deepEqual([notice?.content, notice?.chat_id, notice?.thread_id], ["half", "7", "t5"]);
});

test("a turn that fails tells its chat why", async (t) => {
  const { made, id } = await started(t, {});
  const missing = new DuragentError("bad-request", "no key is set for fake");
  made.parts.models.model = () => Promise.reject(missing);
  await made.sessions.send(id, { content: "go", ...fromChat(1) });
  const notice = await eventually(made, id, (event) => event.type === "gateway_send");
  assert.ok(notice.type === "gateway_send");
  assert.deepEqual(
    [notice.kind, notice.content, notice.reply_to],
    ["notice", "Sorry, I could not finish this: no key is set for fake.", "p1"],
  );
});
