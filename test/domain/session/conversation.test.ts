import assert from "node:assert/strict";
import { test } from "node:test";

import { conversation, unknownOutcome } from "../../../src/domain/session/conversation.ts";
import type { EventDraft } from "../../../src/schema/session-event.ts";
import { calls, events as e, placed } from "../../support/given-when-then.ts";

type Drafts = (EventDraft & { legacy?: true })[];
const legacy = (...drafts: Drafts): Drafts => drafts.map((draft) => ({ ...draft, legacy: true }));

/** Each message in a word or two: `u:` user, `a:` assistant with its call ids, `t:` results. */
function told(...drafts: Drafts): string[][] {
  return conversation(placed(drafts)).turns.map((turn) =>
    turn.messages.map((message) => {
      if (message.role === "user") return `u:${message.content}`;
      if (message.role === "tool")
        return `t:${message.results.map((result) => `${result.callId}=${result.content}`).join(",")}`;
      return `a:${[message.content, ...message.toolCalls.map((call) => call.call_id)].join(" ")}`;
    }),
  );
}

const working = [e.start(), e.message(1), e.turn(1, [1])];
const called = [...working, e.response(3, { tool_calls: calls("x", "y") })];

test("a turn is its messages, responses and results, each result next to its call in the model's order", () => {
  assert.deepEqual(told(...called, e.result("y"), e.result("x"), e.response(6), e.turnEnd()), [
    ["u:m1", "a:text x y", "t:x=x ok,y=y ok", "a:text"],
  ]);
});

test("a message stands where it was taken in, not where it was logged", () => {
  const log = [...called, e.message(2), e.result("x"), e.result("y"), e.response(7), e.turnEnd()];
  assert.deepEqual(told(...log), [["u:m1", "a:text x y", "t:x=x ok,y=y ok", "u:m2", "a:text"]]);
  const late = [...working, e.message(2), e.response(3), e.response(5), e.turnEnd()];
  assert.deepEqual(told(...late), [["u:m1", "a:text", "u:m2", "a:text"]]);
});

test("a queued message stands in the turn that took it in", () => {
  const log = [
    ...working,
    e.message(2, { delivery: "queue" }),
    e.response(4),
    e.turnEnd(),
    e.turn(2, [2]),
    e.response(7),
  ];
  assert.deepEqual(told(...log), [
    ["u:m1", "a:text"],
    ["u:m2", "a:text"],
  ]);
});

test("an open turn shows the steering messages that its next request takes in", () => {
  assert.deepEqual(told(...working, e.message(2), e.message(3, { delivery: "queue" })), [["u:m1", "u:m2"]]);
  assert.equal(conversation(placed([...working, e.message(2)])).throughSeq, 4);
});

test("a message that waits while no turn is open is in no turn", () => {
  assert.deepEqual(told(...working, e.response(3), e.turnEnd(), e.message(2)), [["u:m1", "a:text"]]);
  assert.deepEqual(told(e.start(), e.message(1)), []);
});

test("a dropped message was never said", () => {
  assert.deepEqual(told(e.start(), e.message(1), e.message(2), e.dropped([1]), e.turn(1, [2])), [["u:m2"]]);
});

test("a passive message is told with the next turn, by its sender's name; a silent one never", () => {
  assert.deepEqual(told(e.start(), e.silent(5), e.silent(6, "silent"), e.message(1), e.turn(1, [1])), [
    ["u:bob: s5", "u:m1"],
  ]);
});

test("the first result of a call counts", () => {
  assert.deepEqual(told(...called, e.result("x", "interrupted"), e.result("x"), e.skipped(["y"])), [
    ["u:m1", "a:text x y", "t:x=x interrupted,y=Skipped: new user message"],
  ]);
});

test("a call without a result gets one that says so", () => {
  assert.deepEqual(told(...called, e.result("y"), e.turnEnd("failed")), [
    ["u:m1", "a:text x y", `t:x=${unknownOutcome},y=y ok`],
  ]);
});

test("a call id that comes twice in a response is one call, and one of a later response is another", () => {
  assert.deepEqual(told(...working, e.response(3, { tool_calls: calls("x", "x") }), e.result("x")), [
    ["u:m1", "a:text x", "t:x=x ok"],
  ]);
  const again = [
    ...working,
    e.response(3, { tool_calls: calls("x") }),
    e.result("x"),
    e.response(5, { tool_calls: calls("x") }),
    e.result("x", "error"),
  ];
  assert.deepEqual(told(...again), [["u:m1", "a:text x", "t:x=x ok", "a:text x", "t:x=x error"]]);
});

test("a result that belongs to no call is not told", () => {
  assert.deepEqual(told(...working, e.result("z"), e.response(4)), [["u:m1", "a:text"]]);
});

test("an answer of nothing but blanks is left out, a cancelled one keeps its partial text", () => {
  assert.deepEqual(told(...working, e.response(3, { content: " \n" }), e.turnEnd()), [["u:m1"]]);
  assert.deepEqual(
    told(...working, e.response(3, { content: "I beg", stop_reason: "cancelled" }), e.turnEnd("cancelled")),
    [["u:m1", "a:I beg"]],
  );
});

test("a notice is never told to the model", () => {
  assert.deepEqual(told(...working, e.turnEnd("limit_reached", { notice: "Stopped." })), [["u:m1"]]);
});

test("a summary stands for the turns up to its turn_end", () => {
  const log = [...working, e.response(3), e.turnEnd(), e.message(2), e.turn(2, [2]), e.compacted(5)];
  const { summary, turns } = conversation(placed(log));
  assert.equal(summary, "so far");
  assert.deepEqual(
    turns.map((turn) => turn.startSeq),
    [7],
  );
});

test("only the turn without its end is open", () => {
  const { turns } = conversation(placed([...working, e.response(3), e.turnEnd(), e.message(2), e.turn(2, [2])]));
  assert.deepEqual(
    turns.map((turn) => [turn.open, turn.endSeq]),
    [
      [false, 5],
      [true, null],
    ],
  );
});

test("in another implementation's log each user message begins a turn, and all of it counts as answered", () => {
  const old = legacy(
    e.start(),
    e.silent(7),
    e.message(1),
    e.response(3, { tool_calls: calls("x") }),
    e.result("x"),
    e.response(5),
    e.message(2),
  );
  assert.deepEqual(told(...old), [["u:bob: s7", "u:m1", "a:text x", "t:x=x ok", "a:text"], ["u:m2"]]);
  assert.deepEqual(
    conversation(placed(old)).turns.map((turn) => turn.open),
    [false, false],
  );
});

test("what comes after another implementation's log joins none of its turns", () => {
  const old = legacy(e.start(), e.message(1), e.response(2, { tool_calls: calls("x") }));
  assert.deepEqual(told(...old, e.message(2)), [["u:m1", "a:text x", `t:x=${unknownOutcome}`]]);
  assert.deepEqual(told(...old, e.message(2), e.turn(1, [2]), e.response(5)), [
    ["u:m1", "a:text x", `t:x=${unknownOutcome}`],
    ["u:m2", "a:text"],
  ]);
});
