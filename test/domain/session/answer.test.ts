import assert from "node:assert/strict";
import { test } from "node:test";

import { awaiting, evolveAnswer, type Awaited } from "../../../src/domain/session/answer.ts";
import type { EventDraft } from "../../../src/schema/session-event.ts";
import { appr, calls, events as e, msg, placed, turnId } from "../../support/given-when-then.ts";

const follow = (awaited: Awaited, log: EventDraft[], from = 1) =>
  placed(log)
    .filter((event) => event.seq >= from)
    .reduce(evolveAnswer, awaiting(awaited));
const turn = { turn_id: turnId(1) };
const working = [e.start(), e.message(1), e.turn(1, [1])];
const done = [...working, e.response(3, { ...turn, content: "hi" }), e.turnEnd("completed", turn)];

test("the answer to a message is the last text of the turn that took it in", () => {
  const state = follow({ messageId: msg(1) }, [
    ...working,
    e.response(3, { ...turn, content: "let me see", tool_calls: calls("x") }),
    e.result("x"),
    e.response(5, { ...turn, content: "hi" }),
    e.turnEnd("completed", turn),
  ]);
  assert.deepEqual([state.turnId, state.end?.content, state.end?.turnEnd.outcome], [turnId(1), "hi", "completed"]);
});

test("until the turn ends there is no answer", () => {
  assert.equal(follow({ messageId: msg(1) }, done.slice(0, 4)).end, null);
});

test("a notice is part of the answer", () => {
  const state = follow({ messageId: msg(1) }, [
    ...done.slice(0, 4),
    e.turnEnd("limit_reached", { ...turn, notice: "Stopped." }),
  ]);
  assert.equal(state.end?.content, "hi\n\nStopped.");
});

test("a message that steers a running turn is answered by it, though the turn began before the message", () => {
  const log = [...working, e.message(2), e.response(4, { ...turn, content: "both" }), e.turnEnd("completed", turn)];
  assert.equal(follow({ messageId: msg(2) }, log, 4).end?.content, "both");
});

test("a message that a response had not seen is answered by a later one", () => {
  const log = [
    ...working,
    e.message(2),
    e.response(3, { ...turn, content: "first" }),
    e.response(5, { ...turn, content: "second" }),
    e.turnEnd("completed", turn),
  ];
  assert.equal(follow({ messageId: msg(2) }, log).end?.content, "second");
});

test("a queued message is not answered by the turn that it waits for", () => {
  const log = [...working, e.message(2, { delivery: "queue" }), e.response(4, turn), e.turnEnd("completed", turn)];
  assert.equal(follow({ messageId: msg(2) }, log).end, null);
  const next = [
    ...log,
    e.turn(2, [2]),
    e.response(7, { turn_id: turnId(2), content: "yours" }),
    e.turnEnd("completed", { turn_id: turnId(2) }),
  ];
  assert.equal(follow({ messageId: msg(2) }, next).end?.content, "yours");
});

test("what comes after the end changes nothing", () => {
  const log = [...done, e.message(2), e.turn(2, [2]), e.response(7), e.turnEnd("failed"), e.end()];
  assert.deepEqual(follow({ messageId: msg(1) }, log), follow({ messageId: msg(1) }, done));
});

test("a dropped message and an ended session are told", () => {
  assert.equal(follow({ messageId: msg(1) }, [e.start(), e.message(1), e.dropped([1])]).dropped, "r");
  assert.equal(follow({ messageId: msg(1) }, [e.start(), e.message(1), e.end()]).sessionEnded, true);
});

const asking = [...working, e.response(3, { ...turn, tool_calls: calls("x") }), e.asked(1, "x", turn)];

test("an open question is told, and no longer once it was answered", () => {
  assert.equal(follow({ messageId: msg(1) }, asking).question?.approvalId, appr(1));
  assert.equal(follow({ messageId: msg(1) }, [...asking, e.decided(1, "x", "allow_once")]).question, null);
  assert.equal(follow({ messageId: msg(1) }, [...asking, e.message(2), e.result("x", "denied")]).question, null);
});

test("who decided is answered by the turn that goes on", () => {
  const log = [
    ...asking,
    { ...e.decided(1, "x", "allow_once"), ...turn },
    e.result("x"),
    e.response(7, { ...turn, content: "done" }),
    e.turnEnd("completed", turn),
  ];
  assert.equal(follow({ approvalId: appr(1) }, log).end?.content, "done");
  assert.equal(follow({ approvalId: appr(1) }, log, 6).end?.content, "done");
});

test("a question that a message answered still leads to its turn", () => {
  const log = [
    ...asking,
    e.message(2, { may_decide: true }),
    e.result("x", "denied"),
    e.response(7, { ...turn, content: "well" }),
    e.turnEnd("completed", turn),
  ];
  assert.equal(follow({ approvalId: appr(1) }, log).end?.content, "well");
});
