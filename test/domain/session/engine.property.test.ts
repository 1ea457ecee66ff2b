import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { conversation } from "../../../src/domain/session/conversation.ts";
import { evolve } from "../../../src/domain/session/evolve.ts";
import { initialState } from "../../../src/domain/session/state.ts";
import type { SessionEvent } from "../../../src/schema/session-event.ts";
import { assertProviderGrammar } from "../../support/provider-grammar.ts";
import { apply, ask, decision, newWorld, sending, type Move, type Outcome, type Rules, type World } from "../../support/simulated-runner.ts";

const many = { numRuns: 150 };
const few = { numRuns: 60 };

const outcome: fc.Arbitrary<Outcome> = fc.record({
  says: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("text", "nothing", "failure") },
    { weight: 4, arbitrary: fc.array(fc.constantFrom("pure", "idempotent", "resumable", "unsafe", "asked", "denied"), { minLength: 1, maxLength: 4 }) },
  ),
  tool: fc.constantFrom("ok", "error"),
  tookMs: fc.constantFrom(0, 10, 4_000),
});

/** A move that depends on the world that it is made in. */
type Planned = (world: World) => Move | null;

const message = fc.record(
  {
    delivery: fc.constantFrom("steer", "steer", "steer", "queue", "queue", "interrupt"),
    sender: fc.constantFrom("bob", "eve"),
    mayDecide: fc.boolean(),
    unattended: fc.boolean(),
    debounceMs: fc.constantFrom(0, 0, 0, 100, 5_000),
  },
  { requiredKeys: ["delivery"] },
);

const planned: fc.Arbitrary<Planned> = fc.oneof(
  { weight: 40, arbitrary: outcome.map((of): Planned => () => ({ do: "step", outcome: of })) },
  { weight: 12, arbitrary: message.map((sent): Planned => (world) => sending(world, world.log.length, sent)) },
  { weight: 2, arbitrary: fc.tuple(fc.nat(3), outcome).map(([after, of]): Planned => () => ({ do: "crash", after, outcome: of })) },
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom("allow_once", "allow_once", "deny"), fc.constantFrom("approver", "bob")).map(([choice, by]): Planned => (world) => decision(world, choice, by)) },
  { weight: 1, arbitrary: fc.constant<Planned>(() => ({ do: "handover" })) },
  { weight: 4, arbitrary: fc.constantFrom(true, true, true, false).map((attached): Planned => () => ({ do: "attach", attached })) },
  { weight: 5, arbitrary: fc.constantFrom(-20_000, 500, 5_000, 5_000, 12_000, 30_000, 1_200_000).map((ms): Planned => () => ({ do: "clock", ms })) },
  { weight: 3, arbitrary: fc.nat(2).map((times): Planned => () => ({ do: "deliver", times })) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom("cancel", "pause", "resume", "resume", "resume", "cancel", "resume", "resume", "resume", "resume"), fc.boolean())
      .map(([action, attached]): Planned => () => ({ do: "input", command: { type: "control", timestamp: "", action, by: "alice", attached } })),
  },
);

const ending: Planned = () => ({ do: "input", command: { type: "control", timestamp: "", action: "end", by: "alice", attached: true } });

const rules: fc.Arbitrary<Rules> = fc.record({
  onDisconnect: fc.constantFrom("pause", "continue"),
  gateway: fc.boolean(),
  limits: fc.record({
    maxToolIterations: fc.constantFrom(0, 3),
    maxTurnMs: fc.constantFrom(null, 10_000),
    maxBackgroundMs: fc.constantFrom(5_000, 3_600_000),
    ttlMs: fc.constantFrom(null, 7_200_000),
    approvalTimeoutMs: fc.constantFrom(null, 60_000),
    onInterruptedTool: fc.constantFrom("report", "ask"),
  }),
});

const lives = fc.array(planned, { minLength: 5, maxLength: 150, size: "max" });
/** Some are asked to end, and go on a little. */
const ends = fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(planned, { maxLength: 15 }).map((rest) => [ending, ...rest]) });
const history = fc.tuple(rules, fc.tuple(lives, ends).map(([life, end]) => [...life, ...end]));

function play([given, plan]: readonly [Rules, readonly Planned[]], watch: (world: World) => void = () => undefined): World {
  let world = newWorld(given);
  for (const plan1 of plan) {
    const move = plan1(world);
    if (move) world = apply(world, move);
    watch(world);
  }
  return world;
}

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
      if (step.type === "wait" && step.until !== null) assert.ok(step.until > world.now, "a wait for the past never ends");
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
          world = apply(world, { do: "input", command: { type: "control", timestamp: "", action: "resume", by: "a", attached: true } });
        else if (step.for === "delivery" || world.state.sends.length > 0) world = apply(world, { do: "deliver", times: 1 });
        else if (step.until !== null && world.state.waiting.length > 0) world = { ...world, now: step.until };
        else break;
      }
      assert.equal(world.state.turn, null, "no turn is stuck");
      const left = world.log.filter((event) => event.type === "user_message" && !world.taken[event.message_id]);
      const after = world.log.findIndex((event) => event.type === "session_end");
      assert.deepEqual(left.filter((event) => after === -1 || event.seq <= after), [], "no message is lost");
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
      const dropped = new Set(world.log.flatMap((event) => (event.type === "messages_dropped" ? event.message_ids : [])));
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
