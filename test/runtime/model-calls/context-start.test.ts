import assert from "node:assert/strict";
import { test } from "node:test";

import { conversation } from "../../../src/domain/session/conversation.ts";
import { evolve } from "../../../src/domain/session/evolve.ts";
import { initialState } from "../../../src/domain/session/state.ts";
import { contextStart } from "../../../src/runtime/model-calls/context-start.ts";
import type { SessionEvent } from "../../../src/schema/session-event.ts";
import { events as e, placed } from "../../support/given-when-then.ts";
import { harness, newSession, eventsOf } from "../../support/runtime-harness.ts";
import { openTestStore } from "../../support/test-store.ts";

const message = { source: "http", mayDecide: true };
const patient = { timeoutMs: 5_000, signal: new AbortController().signal };

test("what is kept of the history gives the same newest turns as the whole log", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  for (let turn = 0; turn < 6; turn += 1) {
    const sent = await running.sessions.send(id, { content: `${turn} ${"x".repeat(100)}`, ...message });
    await running.sessions.answer(id, sent.messageId, patient);
  }
  const events = await eventsOf(running, id);
  const state = events.reduce(evolve, initialState);
  const whole = conversation(events).turns;
  for (const bytes of [0, 100, 250, 500, 5_000]) {
    const start = contextStart(events, state, bytes);
    const kept = conversation(events.filter((event) => event.seq >= start)).turns;
    assert.deepEqual(kept, whole.slice(whole.length - kept.length));
    assert.equal(bytes === 5_000, kept.length === whole.length);
  }
});

test("a message that waited through a turn is kept with the turn that took it in", () => {
  const timestamp = "2026-01-02T03:04:05.000Z";
  const said = (id: string, delivery: "steer" | "queue") => ({
    type: "user_message" as const,
    message_id: id as never,
    content: id,
    source: "http",
    delivery,
  });
  const turn = (id: string) => id as never;
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  const response = (id: string, through: number) => ({
    type: "assistant_response" as const,
    agent: "a",
    content: `re ${id}`,
    message_id: id as never,
    through_seq: through,
    model: "m",
    provider: "p",
    stop_reason: "end" as const,
    request_digest: "",
    latency_ms: 1,
    first_token_ms: 1,
    attempts: 1,
  });
  const drafts: Record<string, unknown>[] = [
    said("one", "steer"),
    { type: "turn_start", turn_id: turn("t1"), message_ids: ["one"], agent_digest: "d" },
    said("queued", "queue"),
    said("steered", "steer"),
    { ...response("r1", 4), turn_id: turn("t1") },
    { type: "turn_end", turn_id: turn("t1"), outcome: "completed", usage },
    { type: "turn_start", turn_id: turn("t2"), message_ids: ["queued"], agent_digest: "d" },
    { ...response("r2", 7), turn_id: turn("t2") },
    { type: "turn_end", turn_id: turn("t2"), outcome: "completed", usage },
  ];
  const events = drafts.map((draft, index) => ({ ...draft, seq: index + 1, timestamp }) as unknown as SessionEvent);
  const start = contextStart(events, events.reduce(evolve, initialState), 0);
  const { turns } = conversation(events.filter((event) => event.seq >= start));
  assert.deepEqual(
    turns.map((one) => one.messages.map((part) => (part.role === "tool" ? "" : part.content))),
    [["queued", "re r2"]],
  );
});

test("what a group said while a turn worked is kept for the turn that is shown it, and for the one that may be", () => {
  const log = (...drafts: Parameters<typeof placed>[0]) => {
    const events = placed([e.start(), e.message(1), e.turn(1, [1]), e.overheard(5), e.overheard(6), ...drafts]);
    const kept = (from: number | null): SessionEvent[] => {
      const start = contextStart(events, events.reduce(evolve, initialState), 0, from);
      return events.filter((event) => event.seq >= start);
    };
    return { events, kept };
  };
  const ended = [e.response(3), e.turnEnd()];
  const waits = log(...ended, e.message(2));
  assert.deepEqual([waits.kept(null)[0]?.seq, waits.kept(5)[0]?.seq], [8, 5]);
  for (const more of [[], [e.response(9)], [e.response(9), e.turnEnd()]]) {
    const { events, kept } = log(...ended, e.message(2), e.turn(2, [2], { context_from: 5 }), ...more);
    const last = (from: SessionEvent[]) => conversation(from).turns.at(-1)?.messages;
    assert.deepEqual(last(kept(null)), last(events));
  }
});

test("a passive message that waited through a turn's end is kept with the turn that was told it", () => {
  const events = placed([
    e.start(),
    e.message(1),
    e.turn(1, [1]),
    e.response(3),
    e.silent(5),
    e.turnEnd(),
    e.message(2),
    e.turn(2, [2]),
  ]);
  const start = contextStart(events, events.reduce(evolve, initialState), 0);
  const { turns } = conversation(events.filter((event) => event.seq >= start));
  assert.deepEqual(
    turns.at(-1)?.messages.map((one) => one.role === "user" && one.content),
    ["bob: s5", "m2"],
  );
});

test("of what a group says for long without the agent only what the next turn may be shown is kept", () => {
  const heard = Array.from({ length: 500 }, (_, index) => ({ ...e.overheard(index), content: "x".repeat(100) }));
  const begun = [e.start(), e.message(1), e.turn(1, [1]), e.response(3), e.turnEnd()];
  const quiet = placed([...begun, ...heard]);
  const newest = quiet.at(-10)?.seq ?? 0;
  const from = (events: SessionEvent[], overheardFrom: number | null) =>
    contextStart(events, events.reduce(evolve, initialState), 2_000, overheardFrom);
  // A message is 100 characters and what stands around it.
  assert.equal(from(quiet, newest), quiet.at(-18)?.seq);
  assert.equal(from(quiet, quiet.at(-100)?.seq ?? 0), quiet.at(-100)?.seq);
  // Also while the turn works that is shown the newest of it, and after it; never within a turn.
  const asked = [e.message(2), e.turn(506, [506], { context_from: newest })];
  for (const more of [[], [e.response(508, { content: "y".repeat(1_500) })], [e.response(508), e.turnEnd()]]) {
    const events = placed([...begun, ...heard, ...asked, ...more]);
    const start = from(events, null);
    assert.ok(start > 400 && start <= newest, String(start));
    const last = (kept: SessionEvent[]) => conversation(kept).turns.at(-1)?.messages;
    assert.deepEqual(last(events.filter((event) => event.seq >= start)), last(events));
  }
  const inTurn = placed([...begun.slice(0, 3), ...heard]);
  assert.equal(from(inTurn, null), 2);
  const waiting = placed([...begun, e.message(6), ...heard]);
  assert.equal(from(waiting, null), 6);
});
