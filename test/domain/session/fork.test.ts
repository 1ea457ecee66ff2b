import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { conversation } from "../../../src/domain/session/conversation.ts";
import { forkEvents } from "../../../src/domain/session/fork.ts";
import type { SessionId } from "../../../src/schema/ids.ts";
import type { EventDraft, SessionEvent } from "../../../src/schema/session-event.ts";
import { at, calls, events as e, fold, given, msg, placed, sessionId } from "../../support/given-when-then.ts";
import { apply, sending } from "../../support/simulated-runner.ts";
import { newWorld } from "../../support/simulated-world.ts";

type Drafts = (EventDraft & { legacy?: true })[];
const child = `session_${"2".padStart(26, "0")}` as SessionId;
const fork = (log: readonly SessionEvent[], atSeq = Infinity): SessionEvent[] =>
  placed(forkEvents(log, { sessionId: child, timestamp: at(99), atSeq }), 0);
const messagesOf = (log: readonly SessionEvent[]) => conversation(log).turns.flatMap((turn) => turn.messages);
const legacy = (...drafts: Drafts): Drafts => drafts.map((draft) => ({ ...draft, legacy: true }));

const first = [
  e.start({ on_disconnect: "continue", labels: { a: "b" } }),
  e.message(1, { idempotency_key: "k" }),
  e.turn(1, [1]),
  e.response(3),
  e.turnEnd(),
];
const both = [
  ...first,
  e.message(2),
  e.turn(2, [2]),
  e.message(3),
  e.response(8, { tool_calls: calls("x") }),
  e.asked(1, "x"),
  e.result("x", "denied"),
  e.response(11),
  e.turnEnd(),
];

test("a fork begins with its own start that names its parent, and copies the conversation", () => {
  const copy = fork(placed(both));
  assert.partialDeepStrictEqual(copy[0], {
    seq: 1,
    type: "session_start",
    session_id: child,
    on_disconnect: "continue",
    labels: { a: "b" },
    parent: { session_id: sessionId, seq: 13 },
  });
  assert.deepEqual(messagesOf(copy), messagesOf(placed(both)));
  assert.deepEqual(
    copy.map((event) => event.seq),
    copy.map((_, n) => n + 1),
  );
});

test("a fork takes whole turns only: at_seq is brought down to the last turn's end", () => {
  const { log } = given(...both);
  for (const [atSeq, end] of [
    [12, 5],
    [5, 5],
    [4, 0],
    [13, 13],
    [99, 13],
  ] as const) {
    const copy = fork(log, atSeq);
    assert.equal(fold(copy).parent?.seq, end);
    assert.deepEqual(messagesOf(copy), messagesOf(log.slice(0, end)));
  }
});

test("a fork is idle: nothing waits, nothing is open, nothing is sent, nothing was approved", () => {
  const chat = [
    e.start({ gateway: "g", gateway_chat_id: "c" }),
    ...both.slice(1),
    e.send("r1"),
    e.message(4),
    e.turn(3, [4]),
    e.message(5),
  ];
  const state = fold(fork(placed(chat)));
  assert.deepEqual(
    [state.gateway, state.turn, state.waiting, state.sends, state.unsent, state.decided],
    [null, null, [], [], [], []],
  );
});

test("keys and questions stay behind", () => {
  const copy = fork(placed(both));
  assert.ok(copy.every((event) => !("idempotency_key" in event) || event.idempotency_key === undefined));
  assert.ok(copy.every((event) => event.type !== "approval_required"));
});

test("a message that was dropped, or that waits behind the last turn's end, is not copied", () => {
  const log = placed([
    ...first.slice(0, 2),
    e.message(7),
    e.dropped([7]),
    e.turn(1, [1]),
    e.message(8, { delivery: "queue" }),
    e.response(6),
    e.turnEnd(),
  ]);
  const ids = fork(log).flatMap((event) => (event.type === "user_message" ? [event.message_id] : []));
  assert.deepEqual(ids, [msg(1)]);
});

test("a summary goes on standing for the same turns", () => {
  const log = placed([...first, e.message(2), e.turn(2, [2]), e.compacted(5), e.response(8), e.turnEnd()]);
  const copy = conversation(fork(log));
  assert.equal(copy.summary, "so far");
  assert.deepEqual(
    copy.turns.map((turn) => turn.messages),
    conversation(log).turns.map((turn) => turn.messages),
  );
});

test("a fork of another implementation's log has turns, so that its conversation counts as answered", () => {
  const old = legacy(
    e.start(),
    e.message(1),
    e.response(2, { tool_calls: calls("x") }),
    e.result("x"),
    e.response(4, { usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 } }),
    e.message(2),
    e.message(3),
    e.response(7),
    e.message(4),
  );
  const { log } = given(...old, e.message(5), e.turn(9, [5]), e.response(11), e.turnEnd());
  for (const [atSeq, end] of [
    [13, 13],
    [8, 8],
    [5, 5],
  ] as const) {
    const copy = fork(log, atSeq);
    assert.deepEqual(messagesOf(copy), messagesOf(log.slice(0, end)));
    assert.deepEqual(fold(copy).waiting, []);
    assert.equal(fold(copy).turn, null);
    assert.ok(copy.every((event) => !event.legacy));
  }
  const ends = fork(log).flatMap((event) => (event.type === "turn_end" ? [event.usage.total_tokens] : []));
  assert.deepEqual(ends, [3, 0, 0, 0, 0]);
  assert.equal(new Set(fork(log).flatMap((event) => (event.type === "turn_start" ? [event.turn_id] : []))).size, 5);
});

test("a fork of a fork says the same", () => {
  const once = fork(placed(both));
  assert.deepEqual(messagesOf(fork(once)), messagesOf(once));
});

test("whatever happened in a session, a fork of it tells what its whole turns told", () => {
  const moves = fc.array(
    fc.record({ message: fc.boolean(), delivery: fc.constantFrom("steer", "queue", "interrupt"), calls: fc.nat(2) }),
    { maxLength: 60, size: "max" },
  );
  fc.assert(
    fc.property(moves, fc.nat(60), (plan, atSeq) => {
      let world = newWorld({ onDisconnect: "pause", gateway: true, limits: {} });
      for (const move of plan) {
        const says = move.calls === 0 ? ("text" as const) : ["pure", "unsafe"].slice(0, move.calls);
        world = move.message
          ? apply(world, sending(world, world.log.length, { delivery: move.delivery }))
          : apply(world, { do: "step", outcome: { says, tool: "ok", tookMs: 0 } });
      }
      const copy = fork(world.log, atSeq);
      const end = fold(copy).parent?.seq ?? 0;
      assert.deepEqual(messagesOf(copy), messagesOf(world.log.slice(0, end)));
      assert.deepEqual([fold(copy).turn, fold(copy).waiting], [null, []]);
    }),
    { numRuns: 100 },
  );
});

test("a fork's turns were shown what the group said, at its new place, and what stays of it", () => {
  const stays = { disposition: "passive" as const };
  const log = placed([
    e.start(),
    e.control("resume"),
    e.overheard(5, stays),
    e.overheard(6),
    e.overheard(7, stays),
    e.message(1),
    e.turn(1, [1], { context_from: 4 }),
    e.response(7),
    e.turnEnd(),
  ]);
  const copy = fork(log);
  const start = copy.find((event) => event.type === "turn_start");
  const from = copy.find((event) => event.type === "silent_message" && event.content === "s6");
  assert.ok(start?.type === "turn_start" && start.context_from !== 4);
  assert.equal(start.context_from, from?.seq);
  assert.deepEqual(messagesOf(copy), messagesOf(log));
});
