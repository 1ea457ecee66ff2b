import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { conversation } from "../../../src/domain/session/conversation.ts";
import { evolve } from "../../../src/domain/session/evolve.ts";
import { neededEvents } from "../../../src/domain/session/needed-events.ts";
import { initialState } from "../../../src/domain/session/state.ts";
import type { SessionEvent } from "../../../src/schema/session-event.ts";
import { history, play } from "../../support/generated-history.ts";
import { events as e, msg, placed } from "../../support/given-when-then.ts";

const chats = history.map(([rules, plan]) => [{ ...rules, gateway: true }, plan] as const);

/** The first that a turn may be shown of what was said in the group. */
const overheardFrom = (events: readonly SessionEvent[], maxMessages: number): number | null =>
  maxMessages === 0 ? null : (events.reduce(evolve, initialState).overheard.slice(-maxMessages)[0]?.seq ?? null);

function thinned(events: readonly SessionEvent[], maxMessages: number): SessionEvent[] {
  const isNeeded = neededEvents(events, overheardFrom(events, maxMessages));
  return events.filter((event) => isNeeded(event));
}

const typesOf = (events: readonly SessionEvent[]): string[] => events.map(({ type }) => type);

test("a log that was thinned at any place, and goes on, gives the model the same as the whole", () => {
  fc.assert(
    fc.property(chats, fc.nat(), ([rules, plan], place) => {
      const { log } = play([rules, plan]);
      const cut = place % (log.length + 1);
      const maxMessages = rules.limits.contextBuffer?.maxMessages ?? 0;
      let kept = thinned(log.slice(0, cut), maxMessages);
      for (let end = cut; end <= log.length; end += 1) {
        const { turns, summary } = conversation([...kept, ...log.slice(cut, end)]);
        const whole = conversation(log.slice(0, end));
        assert.deepEqual({ turns, summary }, { turns: whole.turns, summary: whole.summary });
      }
      kept = thinned([...kept, ...log.slice(cut)], maxMessages);
      assert.deepEqual(conversation(kept).turns, conversation(log).turns);
    }),
    { numRuns: 200 },
  );
});

test("of a flood that the queue of an open turn drops nothing is needed, and its turn is whole", () => {
  const asked = [e.start(), e.message(1), e.turn(1, [1])];
  const flood = Array.from({ length: 50 }, (_, index) => [
    e.message(10 + index, { source: "gateway:g", delivery: "queue" }),
    e.dropped([10 + index]),
  ]).flat();
  const events = placed([...asked, ...flood, e.message(99), e.control("pause")]);
  const kept = thinned(events, 0);
  assert.deepEqual(typesOf(kept), ["user_message", "turn_start", "user_message"]);
  assert.deepEqual(
    kept.flatMap((event) => (event.type === "user_message" ? [event.message_id] : [])),
    [msg(1), msg(99)],
  );
});

test("of what is heard and not answered as much is needed as the next request can tell", () => {
  const heard = Array.from({ length: 60 }, (_, index) =>
    e.overheard(index + 1, { disposition: "passive", context: undefined, content: "x".repeat(1_900) }),
  );
  const quiet = placed([e.start(), ...heard]);
  const kept = thinned(quiet, 0);
  // Twelve of them are told, and that there was one more.
  assert.equal(kept.length, 13);
  const next = placed([e.start(), ...heard, e.message(99), e.turn(99, [99])]).slice(quiet.length);
  assert.deepEqual(conversation([...kept, ...next]).turns, conversation([...quiet, ...next]).turns);
});
