import assert from "node:assert/strict";
import { test } from "node:test";

import { nextStep } from "../../../src/domain/session/next-step.ts";
import type { QueueRules, Step, StepContext } from "../../../src/domain/session/step.ts";
import { decisionEvents } from "../../../src/runtime/decision-events.ts";
import type { EventDraft } from "../../../src/schema/session-event.ts";
import {
  appr,
  at,
  beginning,
  calls,
  events as e,
  given,
  msg,
  sessionId,
  situation,
  turnId,
} from "../../support/given-when-then.ts";

const batch: QueueRules = { mode: "batch", maxPending: 2, overflow: "drop_old", rejectMessage: "Too many." };
const start = e.start({ gateway: "tg", gateway_chat_id: "7", gateway_chat_type: "group" });
/** A message of the chat. */
const chat = (n: number, more: object = {}): EventDraft =>
  e.message(n, { source: "gateway:tg", gateway_message_id: `p${n}`, sender_id: "bob", ...more });
const queued = (n: number, more: object = {}): EventDraft => chat(n, { delivery: "queue", ...more });
const silent = { content: "" };
const limited = (queue: Partial<QueueRules> = {}) => ({ limits: { queue: { ...batch, ...queue } } });
const modelRuns = (throughSeq: number): Pick<StepContext, "running"> => ({
  running: { type: "call_model", since: beginning, throughSeq },
});
const dropOf = (step: Step): Extract<Step, { type: "drop_messages" }> => {
  assert.equal(step.type, "drop_messages", JSON.stringify(step));
  return step;
};

test("of a batch the newest stay where the old ones are dropped, and the oldest where the new ones are", () => {
  const log = given(start, chat(1), chat(2), chat(3), chat(4));
  assert.deepEqual(dropOf(log.next(limited())).messageIds, [msg(1), msg(2)]);
  assert.deepEqual(dropOf(log.next(limited({ overflow: "drop_new" }))).messageIds, [msg(3), msg(4)]);
  given(start, chat(1), chat(2), chat(3), chat(4), e.dropped([1, 2])).then(
    { type: "start_turn", messageIds: [msg(3), msg(4)] },
    limited(),
  );
});

test("each drop says in a word that can be counted why it is one", () => {
  const log = given(start, chat(1), chat(2), chat(3));
  for (const [overflow, cause] of [
    ["drop_old", "overflow_old"],
    ["drop_new", "overflow_new"],
    ["reject", "rejected"],
  ] as const)
    assert.equal(dropOf(log.next(limited({ overflow }))).cause, cause);
  const told = e.send(`${sessionId}.${msg(3)}.rejected`, { kind: "notice" });
  const cut = given(start, chat(1), chat(2), chat(3), told);
  assert.equal(dropOf(cut.next(limited({ overflow: "reject" }))).cause, "rejected");
  const late = given(start, chat(1), e.turn(1, [1]), queued(2));
  assert.equal(dropOf(late.next(limited({ mode: "drop" }))).cause, "busy");
});

test("also in a direct chat the word about a rejected message replies to it", () => {
  const dm = e.start({ gateway: "tg", gateway_chat_id: "7", gateway_chat_type: "dm" });
  const step = dropOf(given(dm, chat(1), chat(2), chat(3)).next(limited({ overflow: "reject" })));
  assert.deepEqual(
    step.notices.map(({ replyTo }) => replyTo),
    ["p3"],
  );
});

test("as many as may wait are taken together, in the order of the log", () => {
  given(start, chat(1), chat(2)).then({ type: "start_turn", messageIds: [msg(1), msg(2)] }, limited());
});

test("messages of other sources are neither counted nor dropped", () => {
  const others = [e.message(1), e.message(2), e.message(3, { source: "schedule:1" }), e.message(4)];
  given(start, ...others, chat(5), chat(6)).then({ type: "start_turn" }, limited());
  const late = given(start, chat(1), e.turn(1, [1]), e.message(2, { delivery: "queue" }), queued(3));
  assert.deepEqual(dropOf(late.next(limited({ mode: "drop" }))).messageIds, [msg(3)]);
  given(e.start(), chat(1), chat(2), chat(3)).then({ type: "start_turn" }, limited());
});

test("a rejected message is dropped with a word to its sender, in its thread, which is recorded first", () => {
  const log = given(start, chat(1), chat(2), chat(3, { thread_id: "t9" }));
  const step = dropOf(log.next(limited({ overflow: "reject" })));
  assert.deepEqual(step.messageIds, [msg(3)]);
  const requestId = `${sessionId}.${msg(3)}.rejected`;
  const events = decisionEvents(log.state, step, { timestamp: at(0), ulid: () => "", workerId: "w", digest: () => "" });
  assert.deepEqual(
    events.map((event) => event.type),
    ["gateway_send", "messages_dropped"],
  );
  assert.partialDeepStrictEqual(events[0], {
    type: "gateway_send",
    request_id: requestId,
    kind: "notice",
    gateway: "tg",
    chat_id: "7",
    content: "Too many.",
    reply_to: "p3",
    thread_id: "t9",
  });
});

test("who was told that a message is rejected is not told again, and the message is dropped also where there is room by now", () => {
  const told = e.send(`${sessionId}.${msg(3)}.rejected`, { kind: "notice" });
  const cut = given(start, chat(1), chat(2), chat(3), told, e.dropped([1]));
  assert.partialDeepStrictEqual(dropOf(cut.next(limited({ overflow: "reject" }))), {
    messageIds: [msg(3)],
    notices: [],
  });
});

test("one by one, who writes on after their own question is told once that it must be answered first", () => {
  const promptId = `${sessionId}.${appr(1)}`;
  const prompt = e.send(promptId, { kind: "approval", gateway: "tg", chat_id: "7" });
  const before = [start, chat(1), e.turn(1, [1]), e.response(3, { content: "", tool_calls: calls("x") }), queued(2)];
  const asked = [...before, prompt, e.asked(1, "x", { requester_id: "bob" })];
  const oneByOne = { ...limited({ mode: "sequential", maxPending: 9 }), tools: { x: { policy: "ask" as const } } };
  const waits = { type: "wait" as const, for: "approval" as const };
  const late = queued(3, { thread_id: "t9" });
  const notice = e.send(`${promptId}.waits`, { kind: "notice" });
  given(...asked, late).then(
    {
      type: "record_send",
      text: {
        requestId: `${promptId}.waits`,
        kind: "notice",
        content: "This waits until the question above is answered.",
        turnId: turnId(1),
        replyTo: "p3",
        threadId: "t9",
      },
    },
    oneByOne,
  );
  given(...asked, late, notice).then(waits, oneByOne);
  given(...asked, late, notice, e.delivery(`${promptId}.waits`), queued(4)).then(waits, oneByOne);
  // What was said before the question, by others, where no message asked it, or in another mode.
  given(...asked).then(waits, oneByOne);
  given(...asked, queued(3, { sender_id: "eve" })).then(waits, oneByOne);
  given(...before, e.asked(1, "x", { requester_id: "bob" }), late).then(waits, oneByOne);
  given(...asked, late).then(waits, limited({ maxPending: 9 }));
  // Once it is answered, or is about to be over.
  given(...asked, late, e.control("cancel")).then({ type: "cancel_turn" }, oneByOne);
  // The next question is another.
  const again = [e.response(9, { content: "", tool_calls: calls("y") }), e.send(`${sessionId}.${appr(2)}`)];
  const second = [
    ...asked,
    late,
    notice,
    e.decided(1, "x", "allow_once", "bob"),
    e.send(`${promptId}.closed`, { kind: "edit" }),
    e.toolStart("x"),
    e.result("x"),
    ...again,
    e.asked(2, "y", { requester_id: "bob" }),
  ];
  // What has waited since the first waits for this one, too, but was said before it.
  given(...second).then(waits, oneByOne);
  given(...second, queued(4)).then({ type: "record_send" }, oneByOne);
});

test("while a hundred messages wait to be sent, what is rejected is dropped without a word", () => {
  const sends = Array.from({ length: 99 }, (_, n) => e.send(`r${n}`));
  const log = given(start, ...sends, chat(1), chat(2), chat(3), chat(4));
  const step = dropOf(log.next(limited({ overflow: "reject" })));
  assert.deepEqual(step.messageIds, [msg(3), msg(4)]);
  assert.equal(step.notices.length, 1);
});

test("the queue is seen to also while a model call or a tool runs, and while a session is paused", () => {
  const working = [start, chat(1), e.turn(1, [1])];
  const full = given(...working, queued(2), queued(3), queued(4));
  assert.deepEqual(dropOf(full.next({ ...limited(), ...modelRuns(3) })).messageIds, [msg(2)]);
  const tools = given(
    ...working,
    e.response(3, { tool_calls: calls("x") }),
    e.toolStart("x"),
    chat(2),
    chat(3),
    chat(4),
  );
  const running = { running: { type: "run_tools" as const, since: beginning } };
  assert.deepEqual(dropOf(tools.next({ ...limited(), ...running })).messageIds, [msg(2)]);
  const paused = given(
    ...working,
    e.control("pause"),
    e.status("active", "paused", "pause"),
    queued(2),
    queued(3),
    queued(4),
  );
  assert.deepEqual(dropOf(paused.next(limited())).messageIds, [msg(2)]);
});

test("what a running model call shows is not dropped, and does not count", () => {
  const log = [start, chat(1), e.turn(1, [1]), chat(2), chat(3), chat(4)];
  given(...log).then({ type: "continue" }, { ...limited(), ...modelRuns(6) });
  const more = given(...log, chat(5), chat(6), chat(7));
  assert.deepEqual(dropOf(more.next({ ...limited(), ...modelRuns(6) })).messageIds, [msg(5)]);
  // Without its answer it has not been taken in.
  assert.deepEqual(dropOf(given(...log).next(limited())).messageIds, [msg(2)]);
});

test("one by one: the oldest that is ripe starts a turn, the others wait", () => {
  const one = limited({ mode: "sequential", maxPending: 9 });
  given(start, queued(1), queued(2)).then({ type: "start_turn", messageIds: [msg(1)] }, one);
  const unripe = queued(1, { sender_id: "eve", not_before: at(1_500) });
  given(start, unripe, queued(2)).then({ type: "start_turn", messageIds: [msg(2)] }, one);
  const after = [start, queued(1), queued(2), e.turn(1, [1]), e.response(4, silent), e.turnEnd()];
  given(...after).then({ type: "start_turn", messageIds: [msg(2)] }, one);
});

test("where a working turn lets nothing wait, what came before it started is not dropped", () => {
  const dropping = limited({ mode: "drop" });
  const log = given(
    start,
    queued(1),
    queued(2, { sender_id: "eve", not_before: at(5_000) }),
    e.turn(1, [1]),
    queued(3),
  );
  assert.deepEqual(dropOf(log.next(dropping)).messageIds, [msg(3)]);
  assert.deepEqual(dropOf(log.next({ ...dropping, ...modelRuns(4) })).messageIds, [msg(3)]);
  given(start, queued(1), queued(2)).then({ type: "start_turn", messageIds: [msg(1), msg(2)] }, dropping);
});

test("it is dropped before the turn may end, also where that follows at once", () => {
  const log = given(start, chat(1), e.turn(1, [1]), e.response(3, silent), queued(2));
  assert.deepEqual(dropOf(log.next(limited({ mode: "drop" }))).messageIds, [msg(2)]);
});

test("a session that ends drops all that waits, and tells nobody that the queue was full", () => {
  const log = given(start, chat(1), chat(2), chat(3), e.control("end"));
  assert.partialDeepStrictEqual(dropOf(log.next(limited({ overflow: "reject" }))), {
    reason: "the session ends",
    notices: [],
    messageIds: [msg(1), msg(2), msg(3)],
  });
});

test("a full queue holds nothing back: whoever writes on and on is answered", () => {
  const written = Array.from({ length: 3 }, (_, n) => chat(n + 1, { not_before: at(60_000), atMs: n * 400 }));
  given(start, ...written.slice(0, 2)).then({ type: "wait", for: "message" }, limited({ maxPending: 3 }));
  given(start, ...written).then(
    { type: "start_turn", messageIds: [msg(1), msg(2), msg(3)] },
    limited({ maxPending: 3 }),
  );
  const one = limited({ mode: "sequential", maxPending: 3 });
  given(start, ...written).then({ type: "start_turn", messageIds: [msg(1)] }, one);
});

test("each sender's burst is waited for by itself, ten seconds at most, and the session wakes for it", () => {
  const bob = chat(1, { not_before: at(1_500) });
  const eve = chat(2, { sender_id: "eve", not_before: at(9_000), atMs: 1_000 });
  const log = given(start, bob, eve);
  const roomy = limited({ maxPending: 9 });
  log.then({ type: "wait", for: "message", until: beginning + 1_500 }, roomy);
  log.then({ type: "start_turn", messageIds: [msg(1)] }, { ...roomy, atMs: 1_500 });
  const flood = Array.from({ length: 20 }, (_, n) =>
    chat(n + 1, { atMs: n * 1_000, not_before: at(n * 1_000 + 1_500) }),
  );
  const held = given(start, ...flood.slice(0, 9));
  held.then(
    { type: "wait", until: beginning + 9_500 },
    { limits: { queue: { ...batch, maxPending: 99 } }, atMs: 8_000 },
  );
  const capped = situation({ limits: { queue: { ...batch, maxPending: 99 } }, atMs: 10_000 });
  assert.equal(nextStep(given(start, ...flood).state, capped).type, "start_turn");
});
