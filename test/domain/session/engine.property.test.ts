import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { conversation } from "../../../src/domain/session/conversation.ts";
import { evolve } from "../../../src/domain/session/evolve.ts";
import { initialState } from "../../../src/domain/session/state.ts";
import type { SessionEvent } from "../../../src/schema/session-event.ts";
import { history, play } from "../../support/generated-history.ts";
import { assertProviderGrammar } from "../../support/provider-grammar.ts";
import { apply, ask, decision, type Outcome } from "../../support/simulated-runner.ts";
import type { World } from "../../support/simulated-world.ts";

const many = { numRuns: 150 };
const few = { numRuns: 60 };

const textOnly: Outcome = { says: "text", tool: "ok", tookMs: 1 };

/** Lets the runner go on until it waits; a bounded number of steps is enough without anything from outside. */
function settle(world: World): World {
  for (let steps = 0; steps < 200; steps += 1) {
    if (!world.running && ask(world).type === "wait") return world;
    world = apply(world, { do: "step", outcome: textOnly });
  }
  throw new Error(`never waits: ${JSON.stringify(ask(world))}`);
}

test("a wait is for a time to come, and the runner waits after a bounded number of steps", () => {
  fc.assert(
    fc.property(history, (plan) => {
      const world = settle(play(plan));
      const step = ask(world);
      assert.equal(step.type, "wait");
      if (step.type === "wait" && step.until !== null)
        assert.ok(step.until > world.now, "a wait for the past never ends");
    }),
    many,
  );
});

test("every message is taken in once or dropped, and every turn ends, once there is a client, answers and time", () => {
  fc.assert(
    fc.property(history, (plan) => {
      let world = apply(play(plan), { do: "attach", attached: true });
      // The first run may have lost its lease: whoever comes next must be able to go on.
      for (let rounds = 0; rounds < 60; rounds += 1) {
        world = settle(world);
        const step = ask(world);
        if (step.type !== "wait") continue;
        const deny = decision(world, "deny", "approver");
        if (deny) world = apply(world, deny);
        else if (step.for === "resume")
          world = apply(world, {
            do: "input",
            command: { type: "control", timestamp: "", action: "resume", by: "a", attached: true },
          });
        else if (step.for === "delivery" || world.state.sends.length > 0)
          world = apply(world, { do: "deliver", times: 1 });
        else if (step.until !== null && world.state.waiting.length > 0) world = { ...world, now: step.until };
        else break;
      }
      assert.equal(world.state.turn, null, "no turn is stuck");
      const left = world.log.filter((event) => event.type === "user_message" && !world.taken[event.message_id]);
      const after = world.log.findIndex((event) => event.type === "session_end");
      assert.deepEqual(
        left.filter((event) => after === -1 || event.seq <= after),
        [],
        "no message is lost",
      );
      assert.deepEqual(world.state.unsent, []);
      assert.deepEqual(world.state.sends, []);
    }),
    many,
  );
});

test("each call of a response has a result before the next response or the turn's end", () => {
  fc.assert(
    fc.property(history, (plan) => {
      let open = new Set<string>();
      for (const event of play(plan).log) {
        if (event.type === "assistant_response" || event.type === "turn_end") assert.deepEqual([...open], []);
        if (event.type === "assistant_response") open = new Set(event.tool_calls?.map((call) => call.call_id));
        if (event.type === "tool_result") open.delete(event.call_id);
        if (event.type === "tools_skipped") for (const id of event.call_ids) open.delete(id);
      }
    }),
    many,
  );
});

test("the conversation of every prefix satisfies the providers, and a turn's messages are all in it", () => {
  fc.assert(
    fc.property(history, (plan) => {
      const { log } = play(plan);
      for (let end = 0; end <= log.length; end += 1) assertProviderGrammar(conversation(log.slice(0, end)));
    }),
    few,
  );
});

test("each message stands in the conversation once, where the turn that took it in is", () => {
  fc.assert(
    fc.property(history, (plan) => {
      const world = play(plan);
      const { turns } = conversation(world.log);
      const said = turns.flatMap((turn) => turn.messages.flatMap((one) => (one.role === "user" ? [one.content] : [])));
      const dropped = new Set(
        world.log.flatMap((event) => (event.type === "messages_dropped" ? event.message_ids : [])),
      );
      for (const event of world.log) {
        if (event.type !== "user_message") continue;
        const times = said.filter((content) => content === event.content).length;
        const taken = world.taken[event.message_id] === 1 && !dropped.has(event.message_id);
        // What an open turn will take in with its next request is shown there already.
        const willBe = world.state.turn !== null && event.delivery === "steer" && !dropped.has(event.message_id);
        assert.ok(times === (taken ? 1 : 0) || (willBe && times === 1), `${event.content} is said ${times} times`);
      }
    }),
    many,
  );
});

test("a state read back from its text folds on to the same state, at every event", () => {
  const readBack = <State>(state: State): State => JSON.parse(JSON.stringify(state)) as State;
  fc.assert(
    fc.property(history, (plan) => {
      let kept = initialState;
      let restored = initialState;
      for (const event of play(plan).log) {
        kept = evolve(kept, event);
        restored = readBack(evolve(restored, event));
        assert.deepEqual(restored, readBack(kept));
      }
    }),
    few,
  );
});

test("evolve takes any event after any other without throwing, and goes on to the same place twice", () => {
  const somewhere = fc.tuple(history, fc.array(fc.nat(), { maxLength: 40 }));
  fc.assert(
    fc.property(somewhere, ([plan, picks]) => {
      const { log } = play(plan);
      const shuffled = picks.map((pick, n): SessionEvent => ({ ...log[pick % log.length]!, seq: n + 1 }));
      const fold = () => shuffled.reduce(evolve, initialState);
      assert.deepEqual(fold(), fold());
      for (let end = 0; end <= shuffled.length; end += 1) assertProviderGrammar(conversation(shuffled.slice(0, end)));
    }),
    few,
  );
});

test("work and usage never shrink within a turn, and epochs never decrease", () => {
  fc.assert(
    fc.property(history, (plan) => {
      let turn = initialState.turn;
      let epoch = 0;
      let state = initialState;
      for (const event of play(plan).log) {
        state = evolve(state, event);
        assert.ok((event.epoch ?? epoch) >= epoch);
        epoch = event.epoch ?? epoch;
        if (turn && state.turn?.id === turn.id) {
          assert.ok(state.turn.workMs >= turn.workMs);
          assert.ok(state.turn.responses >= turn.responses);
          assert.ok(state.turn.usage.total_tokens >= turn.usage.total_tokens);
        }
        turn = state.turn;
      }
    }),
    many,
  );
});

test("in pause mode without clients nothing starts but what was told not to wait", () => {
  fc.assert(
    fc.property(history, ([given, plan]) => {
      const seen = { starts: 0 };
      play([{ ...given, onDisconnect: "pause" }, plan], (world) => {
        const { turn, waiting } = world.state;
        const alone = turn?.unattended === true || waiting.some((message1) => message1.unattended);
        if (world.attached || alone || world.running) return;
        const step = ask(world);
        seen.starts += 1;
        assert.ok(!["call_model", "run_tools", "compact", "start_turn", "take_up_turn"].includes(step.type), step.type);
      });
    }),
    many,
  );
});
