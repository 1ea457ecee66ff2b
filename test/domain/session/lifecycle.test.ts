import assert from "node:assert/strict";
import { test } from "node:test";

import { nextSend } from "../../../src/domain/session/next-step.ts";
import { beginning, calls, events as e, given, msg } from "../../support/given-when-then.ts";

const start = [e.start()];
const working = [e.start(), e.message(1), e.turn(1, [1])];
const chat = e.start({ gateway: "g", gateway_chat_id: "c" });

test("an idle session whose end was asked for ends", () => {
  given(...start, e.control("end")).then({ type: "end_session", from: "active", reason: "completed" });
});

test("the end cancels the running turn and gives every call its result", () => {
  const log = [...working, e.response(3, { tool_calls: calls("x", "y") }), e.toolStart("x"), e.control("end")];
  given(...log).then({
    type: "cancel_turn",
    outcome: "cancelled",
    settle: [
      { callId: "x", as: "cancelled" },
      { callId: "y", as: "skipped" },
    ],
  });
  given(...log, e.result("x", "cancelled"), e.skipped(["y"]), e.turnEnd("cancelled")).then({ type: "end_session" });
});

test("a turn that had answered when the end was asked for has answered", () => {
  given(...working, e.response(3), e.control("end")).then({ type: "end_turn", outcome: "completed" });
});

test("messages that slipped in before the end are dropped by name", () => {
  given(...start, e.control("end"), e.message(1), e.message(2)).then({
    type: "drop_messages",
    cause: "session_end",
    messageIds: [msg(1), msg(2)],
  });
  given(...start, e.control("end"), e.message(1), e.dropped([1])).then({ type: "end_session" });
});

test("open sends get sixty seconds before a session ends, then they fail", () => {
  const log = given(chat, e.send("r1"), e.control("end", { atMs: 5_000 }));
  log.then({ type: "wait", for: "delivery", until: beginning + 65_000 }, { atMs: 64_999 });
  log.then({ type: "fail_sends", requestIds: ["r1"] }, { atMs: 65_000 });
  given(chat, e.send("r1"), e.control("end"), e.delivery("r1")).then({ type: "end_session" });
});

test("the end lifts a pause: also a paused session ends, without a client", () => {
  given(...working, e.control("pause"), e.status("active", "paused", "pause"), e.control("end")).then(
    { type: "cancel_turn" },
    { attached: false },
  );
  given(...start, e.control("pause"), e.status("active", "paused", "pause"), e.control("end")).then(
    { type: "end_session", from: "paused" },
    { attached: false },
  );
});

test("the end keeps the time and reason of the first asking", () => {
  const twice = given(chat, e.send("r1"), e.control("end", { atMs: 1_000 }), e.control("end", { atMs: 50_000 }));
  assert.deepEqual(twice.state.endAsked, { at: beginning + 1_000, reason: "completed" });
});

test("an end of which only the status was recorded is recorded whole", () => {
  given(...start, e.control("end"), e.status("active", "ended", "end")).then({
    type: "end_session",
    reason: "completed",
  });
  given(...start, e.status("active", "ended", "end")).then({ type: "end_session", reason: "timeout" });
});

test("after its end a session does nothing, whatever is appended", () => {
  for (const late of [e.message(1), e.control("cancel"), e.send("r1"), e.turn(1, [])])
    given(...start, e.status("active", "ended", "end"), e.end(), late).then({
      type: "wait",
      for: "nothing",
      until: null,
    });
});

const limits = { ttlMs: 1_000 };

test("an idle session ends when its time is over", () => {
  const log = given(...start, e.silent(1));
  log.then({ type: "wait", until: beginning + 1_000 }, { limits, atMs: 999 });
  log.then({ type: "end_session", reason: "timeout" }, { limits, atMs: 1_000 });
  log.then({ type: "wait", until: null }, { atMs: 1e12 });
});

test("work that is open holds a session however long it takes", () => {
  const late = { limits, atMs: 1e9, attached: false };
  const paused = e.status("active", "paused", "detach");
  given(...working, paused).then({ type: "wait", for: "client", until: null }, late);
  given(...start, e.message(1), paused).then({ type: "wait", for: "client", until: null }, late);
  given(chat, e.send("r1")).then({ type: "wait", for: "message", until: null }, late);
});

test("a pause that was asked for does not keep an idle session for ever", () => {
  const log = given(...start, e.control("pause"), e.status("active", "paused", "pause"));
  log.then({ type: "wait", for: "resume", until: beginning + 1_000 }, { limits, atMs: 999 });
  log.then({ type: "end_session", from: "paused", reason: "timeout" }, { limits, atMs: 1_000 });
});

test("a fork of an old session has its whole time before it", () => {
  const log = given(e.start({ atMs: 50_000 }), e.message(1), e.turn(1, [1]), e.response(3), e.turnEnd());
  log.then({ type: "wait", until: beginning + 51_000 }, { limits, atMs: 50_001 });
});

test("each text of an answer goes to the chat once, before anything else is done", () => {
  const log = [chat, e.message(1), e.turn(1, [1]), e.response(3, { tool_calls: calls("x"), content: "I look." })];
  const text = {
    requestId: `session_${"1".padStart(26, "0")}.4`,
    kind: "text" as const,
    content: "I look.",
    turnId: undefined,
  };
  given(...log).then({ type: "record_send", text });
  const sent = given(...log, e.send(text.requestId)).then({ type: "run_tools" });
  assert.equal(nextSend(sent.state)?.request_id, text.requestId);
  assert.equal(nextSend(given(...log, e.send(text.requestId), e.delivery(text.requestId)).state), null);
});

test("a turn's notice goes to the chat; blank texts do not", () => {
  const log = [chat, e.message(1), e.turn(1, [1]), e.response(3, { content: " \n" })];
  given(...log).then({ type: "end_turn" });
  given(...log, e.turnEnd("limit_reached", { notice: "Stopped." })).then({
    type: "record_send",
    text: { requestId: `session_${"1".padStart(26, "0")}.5`, kind: "notice", content: "Stopped.", turnId: undefined },
  });
});

test("sends go out in order: the next one once the first has its delivery, also a failed one", () => {
  const log = [chat, e.send("r1"), e.send("r2")];
  assert.equal(nextSend(given(...log).state)?.request_id, "r1");
  assert.equal(nextSend(given(...log, e.delivery("r1", "failed")).state)?.request_id, "r2");
  assert.equal(nextSend(given(...log, e.delivery("r1"), e.delivery("r1")).state)?.request_id, "r2");
});

test("a session of no chat sends nothing", () => {
  const log = given(...working, e.response(3), e.turnEnd("completed", { notice: "n" }));
  assert.deepEqual(log.state.unsent, []);
  log.then({ type: "wait" });
});

test("the title is the beginning of the first message, never half a character", () => {
  assert.equal(given(...start, e.message(1, { content: "  Hello\n there " }), e.message(2)).state.title, "Hello there");
  assert.equal(given(...start, e.message(1, { content: "😀".repeat(100) })).state.title, "😀".repeat(80));
});
