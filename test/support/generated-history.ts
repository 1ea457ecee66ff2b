import fc from "fast-check";

import { apply, decision, overhearing, sending, type Move, type Outcome } from "./simulated-runner.ts";
import { newWorld, type Rules, type World } from "./simulated-world.ts";

const outcome: fc.Arbitrary<Outcome> = fc.record({
  says: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom("text", "nothing", "failure") },
    {
      weight: 4,
      arbitrary: fc.array(fc.constantFrom("pure", "idempotent", "resumable", "unsafe", "asked", "denied"), {
        minLength: 1,
        maxLength: 4,
      }),
    },
  ),
  tool: fc.constantFrom("ok", "error"),
  tookMs: fc.constantFrom(0, 10, 4_000),
});

/** A move that depends on the world that it is made in. */
export type Planned = (world: World) => Move | null;

const message = fc.record(
  {
    delivery: fc.constantFrom("steer", "steer", "steer", "queue", "queue", "interrupt"),
    sender: fc.constantFrom("bob", "eve"),
    mayDecide: fc.boolean(),
    unattended: fc.boolean(),
    debounceMs: fc.constantFrom(0, 0, 0, 100, 5_000),
    fromChat: fc.boolean(),
  },
  { requiredKeys: ["delivery"] },
);

const planned: fc.Arbitrary<Planned> = fc.oneof(
  {
    weight: 40,
    arbitrary: outcome.map((of): Planned => () => ({ do: "step", outcome: of })),
  },
  {
    weight: 12,
    arbitrary: message.map(
      (sent): Planned =>
        (world) =>
          sending(world, world.log.length, sent),
    ),
  },
  {
    weight: 5,
    arbitrary: fc.constantFrom("silent" as const, "passive" as const).map(
      (disposition): Planned =>
        (world) =>
          overhearing(world.log.length, disposition),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.nat(3), outcome).map(([after, of]): Planned => () => ({ do: "crash", after, outcome: of })),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom("allow_once", "allow_once", "deny"), fc.constantFrom("approver", "bob")).map(
      ([choice, by]): Planned =>
        (world) =>
          decision(world, choice, by),
    ),
  },
  { weight: 1, arbitrary: fc.constant<Planned>(() => ({ do: "handover" })) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(true, true, true, false).map((attached): Planned => () => ({ do: "attach", attached })),
  },
  {
    weight: 5,
    arbitrary: fc.constantFrom(-20_000, 500, 5_000, 5_000, 12_000, 30_000, 1_200_000).map((ms): Planned => () => ({
      do: "clock",
      ms,
    })),
  },
  {
    weight: 3,
    arbitrary: fc.nat(2).map((times): Planned => () => ({ do: "deliver", times })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        fc.constantFrom(
          "cancel",
          "pause",
          "resume",
          "resume",
          "resume",
          "cancel",
          "resume",
          "resume",
          "resume",
          "resume",
        ),
        fc.boolean(),
      )
      .map(([action, attached]): Planned => () => ({
        do: "input",
        command: { type: "control", timestamp: "", action, by: "alice", attached },
      })),
  },
);

const ending: Planned = () => ({
  do: "input",
  command: { type: "control", timestamp: "", action: "end", by: "alice", attached: true },
});

const rules: fc.Arbitrary<Rules> = fc.record({
  onDisconnect: fc.constantFrom("pause", "continue"),
  gateway: fc.boolean(),
  chatType: fc.constantFrom("dm", "group"),
  limits: fc.record({
    maxToolIterations: fc.constantFrom(0, 3),
    maxTurnMs: fc.constantFrom(null, 10_000),
    maxBackgroundMs: fc.constantFrom(5_000, 3_600_000),
    ttlMs: fc.constantFrom(null, 7_200_000),
    approvalTimeoutMs: fc.constantFrom(null, 60_000),
    announceTo: fc.constantFrom(null, { channel: "ops" }),
    onInterruptedTool: fc.constantFrom("report", "ask"),
    queue: fc.oneof(
      fc.constant(null),
      fc.record({
        mode: fc.constantFrom("batch", "sequential", "drop"),
        maxPending: fc.constantFrom(1, 2, 3),
        overflow: fc.constantFrom("drop_old", "drop_new", "reject"),
        rejectMessage: fc.constant("too many"),
      }),
    ),
    contextBuffer: fc.constantFrom(null, { maxMessages: 3, maxAgeMs: 20_000 }),
  }),
});

const lives = fc.array(planned, { minLength: 5, maxLength: 150, size: "max" });
/** Some are asked to end, and go on a little. */
const ends = fc.oneof(
  { weight: 3, arbitrary: fc.constant([]) },
  { weight: 1, arbitrary: fc.array(planned, { maxLength: 15 }).map((rest) => [ending, ...rest]) },
);
/** What is set, and what happens. */
export const history = fc.tuple(
  rules,
  fc.tuple(lives, ends).map(([life, end]) => [...life, ...end]),
);

/** Plays a history to its end; `watch` sees the world after every move. */
export function play(
  [given, plan]: readonly [Rules, readonly Planned[]],
  watch: (world: World) => void = () => undefined,
): World {
  let world = newWorld(given);
  for (const plan1 of plan) {
    const move = plan1(world);
    if (move) world = apply(world, move);
    watch(world);
  }
  return world;
}
