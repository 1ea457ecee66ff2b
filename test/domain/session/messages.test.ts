import assert from "node:assert/strict";
import { test } from "node:test";

import { at, calls, events as e, given, msg } from "../../support/given-when-then.ts";

const start = [e.start()];
const working = [e.start(), e.message(1), e.turn(1, [1])];

test("an idle session starts a turn with every message that waits, in the order of the log", () => {
  given(...start, e.message(2), e.message(1, { delivery: "queue" }), e.message(3, { delivery: "interrupt" })).then({
    type: "start_turn",
    messageIds: [msg(2), msg(1), msg(3)],
  });
});

test("a silent message starts nothing", () => {
  given(...start, e.silent(1), e.silent(2, "silent")).then({ type: "wait", for: "message" });
});

test("a steering message skips the calls that have not started and joins the next request", () => {
  const steered = [...working, e.response(3, { tool_calls: calls("x", "y") }), e.message(2)];
  given(...steered).then({ type: "skip_tools", callIds: ["x", "y"], reason: "new user message" });
  const next = given(...steered, e.skipped(["x", "y"])).then({ type: "call_model" });
  assert.equal(next.state.waiting.length, 1);
  const seen = given(...steered, e.skipped(["x", "y"]), e.response(6));
  assert.deepEqual(seen.state.waiting, []);
  assert.deepEqual(seen.state.turn?.messageIds, [msg(1), msg(2)]);
  seen.then({ type: "end_turn", outcome: "completed" });
});

test("a call that has started is not skipped by a steering message", () => {
  const log = [
    ...working,
    e.response(3, { tool_calls: calls("x", "y") }),
    e.toolStart("x"),
    e.message(2),
    e.result("x"),
  ];
  given(...log).then({ type: "skip_tools", callIds: ["y"] });
});

test("a message that came while the last response streamed is answered in the same turn", () => {
  given(...working, e.message(2), e.response(3)).then({ type: "call_model" });
  given(...working, e.message(2), e.response(4)).then({ type: "end_turn", outcome: "completed" });
});

test("a queued message waits for the end of the turn and is not taken in before", () => {
  const log = [...working, e.message(2, { delivery: "queue" }), e.response(4)];
  const waits = given(...log).then({ type: "end_turn", outcome: "completed" });
  assert.equal(waits.state.waiting.length, 1);
  given(...log, e.turnEnd()).then({ type: "start_turn", messageIds: [msg(2)] });
});

test("a queued message skips no calls", () => {
  given(...working, e.response(3, { tool_calls: calls("x") }), e.message(2, { delivery: "queue" })).then({
    type: "run_tools",
  });
});

test("an interrupting message cancels the turn, and what the turn had taken in stays taken in", () => {
  const log = [
    ...working,
    e.message(2),
    e.response(4, { tool_calls: calls("x") }),
    e.message(3, { delivery: "interrupt" }),
  ];
  given(...log).then({ type: "cancel_turn", outcome: "cancelled", settle: [{ callId: "x", as: "skipped" }] });
  given(...log, e.skipped(["x"]), e.turnEnd("cancelled")).then({ type: "start_turn", messageIds: [msg(3)] });
});

test("an answer that was given before it was interrupted is an answer", () => {
  given(...working, e.response(3), e.message(2, { delivery: "interrupt" })).then({
    type: "end_turn",
    outcome: "completed",
  });
});

test("an interrupting message that came before the turn does not stop it", () => {
  given(
    ...start,
    e.message(1),
    e.message(2, { delivery: "interrupt", not_before: at(9_000), sender_id: "bob" }),
    e.turn(1, [1]),
  ).then({
    type: "call_model",
  });
});

test("a steering message that a cancelled turn had not seen starts a turn of its own", () => {
  const log = [...working, e.message(2), e.control("cancel")];
  given(...log).then({ type: "cancel_turn" });
  given(...log, e.turnEnd("cancelled")).then({ type: "start_turn", messageIds: [msg(2)] });
});

test("a message that failed to be answered is not taken in by the turn that failed", () => {
  const failure = { code: "provider-error", message: "no", retryable: true };
  const log = [...working, e.message(2)];
  given(...log).then({ type: "end_turn", outcome: "failed", error: failure }, { limits: { failure } });
  given(...log, e.turnEnd("failed")).then({ type: "start_turn", messageIds: [msg(2)] });
});

test("a dropped message is waited for no more", () => {
  given(...start, e.message(1), e.message(2), e.dropped([1])).then({ type: "start_turn", messageIds: [msg(2)] });
});

test("a debounced message holds back the start of its turn until its time", () => {
  const log = given(...start, e.message(1, { not_before: at(2_000) }));
  log.then({ type: "wait", for: "message", until: Date.parse(at(2_000)) }, { atMs: 1_999 });
  log.then({ type: "start_turn", messageIds: [msg(1)] }, { atMs: 2_000 });
});

test("each further message of the sender holds all of them back, ten seconds after the first at most", () => {
  const burst = (atMs: number, n: number) => e.message(n, { atMs, sender_id: "bob", not_before: at(atMs + 4_000) });
  const two = given(...start, burst(0, 1), burst(3_000, 2));
  two.then({ type: "wait", until: Date.parse(at(7_000)) }, { atMs: 4_000 });
  two.then({ type: "start_turn", messageIds: [msg(1), msg(2)] }, { atMs: 7_000 });
  const four = given(...start, burst(0, 1), burst(3_000, 2), burst(6_000, 3), burst(9_000, 4));
  four.then({ type: "wait", until: Date.parse(at(10_000)) }, { atMs: 9_999 });
  four.then({ type: "start_turn", messageIds: [msg(1), msg(2), msg(3), msg(4)] }, { atMs: 10_000 });
});

test("one sender's debounce holds no other sender back", () => {
  given(...start, e.message(1, { sender_id: "bob", not_before: at(2_000) }), e.message(2, { sender_id: "eve" })).then({
    type: "start_turn",
    messageIds: [msg(2)],
  });
});

test("a running turn takes a steering message in with its next request, ripe or not", () => {
  const log = [...working, e.response(3, { tool_calls: calls("x") }), e.message(2, { not_before: at(9_000) })];
  given(...log).then({ type: "skip_tools" });
  assert.deepEqual(given(...log, e.skipped(["x"]), e.response(6)).state.waiting, []);
});

test("a time that is none holds nothing back", () => {
  given(...start, e.message(1, { not_before: "soon" })).then({ type: "start_turn" });
});
