import assert from "node:assert/strict";
import { test } from "node:test";

import type { SessionCommand } from "../../../src/domain/session/accept.ts";
import { appr, at, calls, events as e, given, msg } from "../../support/given-when-then.ts";

const send = (more: Partial<Extract<SessionCommand, { type: "send_message" }>> = {}): SessionCommand => ({
  type: "send_message",
  timestamp: at(0),
  messageId: msg(50),
  content: "hello",
  delivery: "steer",
  source: "http",
  unattended: false,
  mayDecide: true,
  ...more,
});
const control = (action: "cancel" | "pause" | "resume" | "end", attached = true): SessionCommand => ({
  type: "control",
  timestamp: at(0),
  action,
  by: "alice",
  attached,
});
const decide = (more: Partial<Extract<SessionCommand, { type: "decide_approval" }>> = {}): SessionCommand => ({
  type: "decide_approval",
  timestamp: at(0),
  callId: "x",
  decision: "allow_once",
  decidedBy: "alice",
  mayDecide: true,
  ...more,
});
const delivery: SessionCommand = { type: "record_delivery", timestamp: at(0), requestId: "r1", status: "sent" };

const idle = [e.start()];
const working = [e.start(), e.message(1), e.turn(1, [1])];
const asking = [...working, e.response(3, { tool_calls: calls("x", "y") }), e.asked(1, "x", { requester_id: "bob" })];

const refusal = (outcome: ReturnType<ReturnType<typeof given>["accept"]>) =>
  outcome.kind === "refused" ? outcome.code : outcome.kind;

test("a message enters the log wherever the log ends, with only what was said of it", () => {
  const outcome = given(...idle).accept(send());
  assert.equal(outcome.kind, "accepted");
  assert.equal(outcome.kind === "accepted" && outcome.condition, "none");
  const event = outcome.kind === "accepted" ? JSON.parse(JSON.stringify(outcome.event)) : null;
  assert.deepEqual(event, {
    timestamp: at(0),
    type: "user_message",
    message_id: msg(50),
    content: "hello",
    source: "http",
    delivery: "steer",
    may_decide: true,
  });
});

test("a silent message needs no place either", () => {
  const outcome = given(...working).accept({
    type: "send_silent_message",
    timestamp: at(0),
    messageId: msg(50),
    content: "hm",
    senderId: "bob",
    disposition: "silent",
  });
  assert.equal(outcome.kind === "accepted" && outcome.condition, "none");
});

test("a message is accepted while a turn works, waits for an answer, or is paused", () => {
  for (const log of [working, asking, [...working, e.control("pause"), e.status("active", "paused", "pause")]])
    for (const way of ["steer", "queue", "interrupt"] as const)
      assert.equal(given(...log).accept(send({ delivery: way })).kind, "accepted");
});

test("after the end was asked for nothing enters but deliveries, and asking again is settled", () => {
  const ending = given(...idle, e.send("r1"), e.control("end"));
  for (const command of [send(), control("cancel"), control("pause"), control("resume"), decide()])
    assert.equal(refusal(ending.accept(command)), "session-ended");
  assert.equal(ending.accept(control("end")).kind, "settled");
  assert.equal(ending.accept(delivery).kind, "accepted");
});

test("after the end nothing enters", () => {
  const ended = given(...idle, e.send("r1"), e.status("active", "ended", "end"), e.end());
  for (const command of [send(), control("cancel"), control("pause"), control("resume"), decide(), delivery])
    assert.equal(refusal(ended.accept(command)), "session-ended");
  assert.equal(ended.accept(control("end")).kind, "settled");
});

test("a session whose end was half recorded takes nothing more", () => {
  assert.equal(refusal(given(...idle, e.status("active", "ended", "end")).accept(send())), "session-ended");
});

test("cancel needs a turn, and the second one is settled", () => {
  assert.equal(refusal(given(...idle).accept(control("cancel"))), "conflict");
  assert.equal(refusal(given(...idle, e.message(1)).accept(control("cancel"))), "conflict");
  const outcome = given(...working).accept(control("cancel"));
  assert.equal(outcome.kind === "accepted" && outcome.condition, "head");
  assert.equal(given(...working, e.control("cancel")).accept(control("cancel")).kind, "settled");
});

test("pause is asked once, also of an idle session", () => {
  assert.equal(given(...idle).accept(control("pause")).kind, "accepted");
  assert.equal(given(...working, e.control("pause")).accept(control("pause")).kind, "settled");
});

test("resume where nothing holds is settled", () => {
  assert.equal(given(...working).accept(control("resume")).kind, "settled");
  assert.equal(given(...idle).accept(control("resume", false)).kind, "settled");
});

test("resume by a caller who does not stay makes open work unattended, else only lifts the pause", () => {
  const unattended = (outcome: ReturnType<ReturnType<typeof given>["accept"]>) =>
    outcome.kind === "accepted" && outcome.event.type === "control_requested"
      ? outcome.event.unattended === true
      : null;
  const paused = [e.status("active", "paused", "detach")];
  assert.equal(unattended(given(...working, ...paused).accept(control("resume", false))), true);
  assert.equal(unattended(given(...idle, e.message(1), ...paused).accept(control("resume", false))), true);
  assert.equal(unattended(given(...working, ...paused).accept(control("resume", true))), false);
  assert.equal(unattended(given(...idle, e.control("pause")).accept(control("resume", false))), false);
});

test("a decision about a call that nobody asked about finds nothing", () => {
  for (const log of [idle, working, asking])
    assert.equal(refusal(given(...log).accept(decide({ callId: "y" }))), "not-found");
});

test("a decision is recorded for the pending question, whether or not it is named", () => {
  for (const named of [undefined, appr(1)]) {
    const outcome = given(...asking).accept(decide({ approvalId: named }));
    assert.equal(outcome.kind === "accepted" && outcome.condition, "head");
    assert.partialDeepStrictEqual(outcome, {
      event: {
        type: "approval_decision",
        approval_id: appr(1),
        call_id: "x",
        decision: "allow_once",
        decided_by: "alice",
      },
    });
  }
});

test("who neither asked nor approves may not decide", () => {
  const by = (decidedBy: string) => refusal(given(...asking).accept(decide({ mayDecide: false, decidedBy })));
  assert.equal(by("mallory"), "forbidden");
  assert.equal(by("bob"), "accepted");
});

test("without a known requester only an approver decides", () => {
  const log = given(...working, e.response(3, { tool_calls: calls("x") }), e.asked(1, "x"));
  assert.equal(refusal(log.accept(decide({ mayDecide: false, decidedBy: "bob" }))), "forbidden");
});

test("what was shown must be what waits", () => {
  assert.equal(refusal(given(...asking).accept(decide({ command: "rm -rf /" }))), "conflict");
  assert.equal(refusal(given(...asking).accept(decide({ command: "run x" }))), "accepted");
});

test("only the first decision counts: the same again is settled, another is a conflict", () => {
  const decided = given(...asking, e.decided(1, "x", "allow_once"));
  assert.deepEqual(decided.accept(decide()), { kind: "settled", seq: 6, approvalId: appr(1) });
  assert.equal(refusal(decided.accept(decide({ decision: "deny" }))), "conflict");
  assert.equal(refusal(decided.accept(decide({ decision: "allow_always" }))), "conflict");
});

test("a decision stays known after its turn", () => {
  const later = given(...asking, e.decided(1, "x", "deny"), e.result("x", "denied"), e.skipped(["y"]), e.turnEnd());
  assert.equal(later.accept(decide({ decision: "deny" })).kind, "settled");
  assert.equal(refusal(later.accept(decide())), "conflict");
});

test("a question that a message or the turn's end answered was denied", () => {
  const superseded = given(...asking, e.message(2, { may_decide: true }));
  const cancelled = given(...asking, e.control("cancel"), e.skipped(["x", "y"], "cancelled"), e.turnEnd("cancelled"));
  for (const log of [superseded, cancelled]) {
    assert.equal(log.accept(decide({ decision: "deny" })).kind, "settled");
    assert.equal(refusal(log.accept(decide())), "conflict");
  }
});

test("asking again about a call is a new question: the old answer does not hold for it", () => {
  const again = given(...asking, e.decided(1, "x", "allow_once"), e.toolStart("x"), e.asked(2, "x"));
  assert.partialDeepStrictEqual(again.accept(decide()), { kind: "accepted", event: { approval_id: appr(2) } });
  assert.deepEqual(again.accept(decide({ approvalId: appr(1) })), { kind: "settled", seq: 6, approvalId: appr(1) });
  assert.equal(refusal(again.accept(decide({ approvalId: appr(1), decision: "deny" }))), "conflict");
});

test("an approval that belongs to another call is a conflict", () => {
  assert.equal(refusal(given(...asking).accept(decide({ callId: "y", approvalId: appr(1) }))), "conflict");
  const decided = given(...asking, e.decided(1, "x", "allow_once"));
  assert.equal(refusal(decided.accept(decide({ callId: "y", approvalId: appr(1) }))), "conflict");
});

test("after its time an approval can no longer be given, though its expiry is not recorded yet", () => {
  const log = [...working, e.response(3, { tool_calls: calls("x") }), e.asked(1, "x", { expires_at: at(1_000) })];
  assert.equal(refusal(given(...log).accept(decide({ timestamp: at(999) }))), "accepted");
  assert.equal(refusal(given(...log).accept(decide({ timestamp: at(1_000) }))), "conflict");
  assert.equal(refusal(given(...log).accept(decide({ timestamp: at(1_000), decision: "deny" }))), "accepted");
});

test("a pattern is kept by allow_always only", () => {
  const pattern = (decision: "allow_once" | "allow_always" | "deny") => {
    const outcome = given(...asking).accept(decide({ decision, pattern: "run *" }));
    return outcome.kind === "accepted" && outcome.event.type === "approval_decision" ? outcome.event.pattern : null;
  };
  assert.deepEqual([pattern("allow_once"), pattern("allow_always"), pattern("deny")], [undefined, "run *", undefined]);
});

test("the first delivery counts; one for nothing that was sent changes nothing", () => {
  assert.equal(given(...idle, e.send("r1")).accept(delivery).kind, "accepted");
  assert.equal(given(...idle, e.send("r1"), e.delivery("r1")).accept(delivery).kind, "settled");
  assert.equal(given(...idle).accept(delivery).kind, "settled");
});

test("messages that no turn has taken in are bounded in number and in size", () => {
  const many = Array.from({ length: 1_000 }, (_, n) => e.message(n + 1));
  assert.equal(given(...idle, ...many.slice(1)).accept(send()).kind, "accepted");
  assert.equal(refusal(given(...idle, ...many).accept(send())), "rate-limited");
  const big = e.message(1, { content: "x".repeat(64 * 1024 * 1024 + 1) });
  assert.equal(refusal(given(...idle, big).accept(send())), "rate-limited");
  assert.equal(given(...idle, big, e.turn(1, [1])).accept(send()).kind, "accepted");
});
