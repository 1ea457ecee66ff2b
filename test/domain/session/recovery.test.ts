import assert from "node:assert/strict";
import { test } from "node:test";

import type { ToolEffect } from "../../../src/ports/tool.ts";
import { calls, events as e, given } from "../../support/given-when-then.ts";

const working = [e.start(), e.message(1), e.turn(1, [1])];
const called = [...working, e.response(3, { tool_calls: calls("x", "y") })];
const lost = { lease: { epoch: 2, previous: "lost" as const } };
const upTaken = { lease: { epoch: 1, previous: "lost" as const } };
const effect = (kind: ToolEffect) => ({ ...upTaken, tools: { x: { effect: kind } } });

test("after a message that was not taken in: start a turn, with nothing to take up", () => {
  given(e.start(), e.message(1)).then({ type: "start_turn" }, lost);
});

test("after turn_start: take the turn up, then call the model", () => {
  given(...working).then({ type: "take_up_turn", attempt: 1, cause: "crash" }, lost);
  given(...working).then({ type: "call_model" }, upTaken);
});

test("after all results: take the turn up, then call the model", () => {
  const log = [...called, e.toolStart("x"), e.result("x"), e.skipped(["y"])];
  given(...log)
    .then({ type: "take_up_turn" }, lost)
    .then({ type: "call_model" }, upTaken);
});

test("after a response whose calls have not started: go on with the calls", () => {
  given(...called)
    .then({ type: "take_up_turn" }, lost)
    .then({ type: "run_tools" }, upTaken);
});

test("a started call that is pure or idempotent runs again", () => {
  for (const kind of ["pure", "idempotent"] as const) {
    const step = given(...called, e.toolStart("x", { attempt: 2 })).next(effect(kind));
    assert.partialDeepStrictEqual(step, { type: "recover_tool", how: "rerun" });
    assert.equal(step.type === "recover_tool" && step.call.idempotencyKey, "key.x");
    assert.equal(step.type === "recover_tool" && step.call.attempt, 2);
  }
});

test("a started call that is resumable is found again", () => {
  given(...called, e.toolStart("x")).then({ type: "recover_tool", how: "resume" }, effect("resumable"));
});

test("a started call that is unsafe is never repeated silently: it is recorded, asked about, or retried as configured", () => {
  const log = given(...called, e.toolStart("x"));
  const unsafe = effect("unsafe");
  log.then({ type: "recover_tool", how: "interrupted" }, unsafe);
  log.then({ type: "request_approval", command: "run x" }, { ...unsafe, limits: { onInterruptedTool: "ask" } });
  log.then({ type: "recover_tool", how: "rerun" }, { ...unsafe, limits: { onInterruptedTool: "retry" } });
});

test("recording that a call was interrupted takes nothing up: it touches nothing", () => {
  given(...called, e.toolStart("x")).then({ type: "recover_tool", how: "interrupted" }, lost);
});

test("calls that ran side by side are recovered one by one", () => {
  const log = [...called, e.toolStart("x"), e.toolStart("y")];
  given(...log).then({ type: "recover_tool" }, upTaken);
  const second = given(...log, e.result("x", "interrupted")).next(upTaken);
  assert.equal(second.type === "recover_tool" && second.call.call.call_id, "y");
});

test("a recovered call comes before the skipping of those that have not started", () => {
  given(...called, e.toolStart("x"), e.message(2)).then({ type: "recover_tool" }, upTaken);
});

test("after approval_required: keep waiting; approve and deny work after a restart", () => {
  const log = [...called, e.asked(1, "x")];
  given(...log).then({ type: "wait", for: "approval" }, lost);
  given(...log, e.decided(1, "x", "allow_once")).then({ type: "take_up_turn" }, lost);
  given(...log, e.decided(1, "x", "deny")).then({ type: "deny_call" }, lost);
});

test("after a final response: call the model for a message it had not seen, else end the turn", () => {
  for (const stop of ["end", "length", "refused"] as const) {
    given(...working, e.response(3, { stop_reason: stop })).then({ type: "end_turn", outcome: "completed" }, lost);
    given(...working, e.message(2), e.response(3, { stop_reason: stop })).then({ type: "call_model" }, upTaken);
  }
});

test("a send without its delivery goes out again with the same id", () => {
  assert.deepEqual(
    given(...working, e.send("r1")).state.sends.map((send) => send.request_id),
    ["r1"],
  );
});

test("an unfinished cancellation or end goes on after a crash", () => {
  given(...called, e.toolStart("x"), e.control("cancel")).then({ type: "cancel_turn" }, lost);
  given(...called, e.toolStart("x"), e.control("cancel"), e.result("x", "cancelled")).then(
    { type: "cancel_turn" },
    lost,
  );
  given(...called, e.control("end")).then({ type: "cancel_turn" }, lost);
});

test("a turn is taken up only by a runner with a later lease of another start", () => {
  for (const previous of ["none", "self"] as const)
    given(...working).then({ type: "call_model" }, { lease: { epoch: 2, previous } });
  given(...working).then({ type: "take_up_turn", cause: "handover" }, { lease: { epoch: 2, previous: "released" } });
  given(...working).then({ type: "take_up_turn", cause: "crash" }, { lease: { epoch: 2, previous: "lost" } });
});

test("taking up is counted, whatever its cause", () => {
  given(...working, e.resumed(1, "handover"), e.resumed(2, "crash")).then({ type: "take_up_turn", attempt: 3 }, lost);
});

const crashed = (...more: Parameters<typeof given>) => given(...working, e.resumed(1), e.resumed(2), ...more);

test("the third crash without a new response or result ends the turn, and nothing is tried once more", () => {
  given(...working, e.resumed(1)).then({ type: "take_up_turn" }, lost);
  crashed().then({ type: "end_turn", outcome: "failed", error: { code: "repeated-crash" } as never }, lost);
  crashed().then({ type: "take_up_turn", cause: "handover" }, { lease: { epoch: 2, previous: "released" } });
  crashed().then({ type: "call_model" }, upTaken);
});

test("a response or a result of its own resets the count of crashes", () => {
  crashed(e.response(3, { tool_calls: calls("x") })).then({ type: "take_up_turn" }, lost);
  given(...called, e.toolStart("x"), e.resumed(1), e.resumed(2), e.result("x")).then({ type: "take_up_turn" }, lost);
});

test("handovers are no crashes", () => {
  given(...working, e.resumed(1, "handover"), e.resumed(2, "handover"), e.resumed(3, "handover")).then(
    { type: "take_up_turn", cause: "crash" },
    lost,
  );
});

test("a message that waited behind a turn that failed for crashing starts a new one", () => {
  crashed(e.message(2, { delivery: "queue" }), e.turnEnd("failed")).then({ type: "start_turn" }, lost);
});
