import assert from "node:assert/strict";
import { test } from "node:test";

import { conversation } from "../../../src/domain/session/conversation.ts";
import { assertProviderGrammar } from "../../support/provider-grammar.ts";
import { apply, ask, decision, sending, type Move, type Outcome } from "../../support/simulated-runner.ts";
import { newWorld, type Rules, type World } from "../../support/simulated-world.ts";

const deliveries = ["steer", "queue", "interrupt"] as const;
type Delivery = (typeof deliveries)[number];

/** One small history to be: its messages in order, the tool that the model may call once, the crashes that may come. */
type Plan = { messages: readonly Delivery[]; tool: string; crashes: number; others: readonly Move[] };
type Node = { world: World; sent: number; crashes: number; others: number };
type Next = { move: Move; sends?: true; crashes?: true; other?: true };

const text: Outcome = { says: "text", tool: "ok", tookMs: 0 };

function movesOf({ world, sent, crashes, others }: Node, plan: Plan): Next[] {
  const moves: Next[] = [];
  const delivery = plan.messages[sent];
  if (delivery) moves.push({ move: sending(world, sent + 1, { delivery, sender: "bob" }), sends: true });
  const other = plan.others[others];
  if (other) moves.push({ move: other, other: true });
  const step = ask(world);
  const called = world.log.some((event) => event.type === "assistant_response" && event.tool_calls);
  const outcomes = world.running?.type === "call_model" && !called ? [text, { ...text, says: [plan.tool] }] : [text];
  if (step.type !== "wait") {
    for (const outcome of outcomes) moves.push({ move: { do: "step", outcome } });
    if (crashes < plan.crashes)
      for (const after of [0, 1])
        moves.push({ move: { do: "crash", after, outcome: outcomes.at(-1) ?? text }, crashes: true });
  }
  for (const choice of ["allow_once", "deny"] as const) {
    const decided = decision(world, choice, "approver");
    if (decided) moves.push({ move: decided });
  }
  return moves;
}

/** All that can make a difference to what comes, or to what is asserted at the end. */
function keyOf({ world, sent, crashes, others }: Node): string {
  const { state, running, taken, effects } = world;
  const { turn } = state;
  return JSON.stringify([
    sent,
    crashes,
    others,
    world.attached,
    state.pauseAsked,
    state.endAsked !== null,
    state.ended,
    taken,
    Object.values(effects),
    state.status,
    state.waiting.map((message) => [
      message.messageId,
      message.seq > (turn?.lastResponse?.throughSeq ?? 0),
      message.seq > (turn?.startSeq ?? 0),
      message.seq > (running?.throughSeq ?? 0),
    ]),
    turn && [
      turn.lastResponse?.stopReason,
      turn.responses,
      turn.calls.map((call) => [call.status, call.attempt]),
      turn.crashes,
      turn.cancelAsked,
      turn.epoch < world.epoch,
    ],
    running && [running.type, running.calls.length],
    world.previous,
    world.log.some((event) => event.type === "assistant_response" && event.tool_calls),
  ]);
}

function assertFinished({ world }: Node, plan: Plan): void {
  assert.equal(ask(world).type, "wait");
  assert.equal(world.state.turn, null, "no turn is stuck");
  const ended = world.log.findIndex((event) => event.type === "session_end");
  for (const event of world.log)
    if (event.type === "user_message" && (ended === -1 || event.seq <= ended))
      assert.equal(world.taken[event.message_id], 1, `${event.content} is lost`);
  const ends = world.log.flatMap((event) => (event.type === "turn_end" ? [event.outcome] : []));
  assert.equal(ends.length, world.log.filter((event) => event.type === "turn_start").length);
  const stops = world.log.filter(
    (event) =>
      (event.type === "user_message" && event.delivery === "interrupt") ||
      (event.type === "control_requested" && (event.action === "cancel" || event.action === "end")),
  );
  const cancelled = ends.filter((outcome) => outcome === "cancelled").length;
  assert.ok(cancelled <= stops.length, "only what asks for it cancels");
  assert.equal(ends.filter((outcome) => outcome === "completed").length, ends.length - cancelled);
  if (plan.others.length > 0) return assertProviderGrammar(conversation(world.log));
  assert.deepEqual(world.state.waiting, []);
  assert.equal(Object.keys(world.taken).length, plan.messages.length);
  assert.equal(ends.at(-1), "completed", "the last message is answered");
  assertProviderGrammar(conversation(world.log));
}

function explore(plan: Plan, limits: Rules["limits"] = {}): { states: number; ends: number } {
  const seen = new Set<string>();
  const stack: Node[] = [
    { world: newWorld({ onDisconnect: "pause", gateway: false, limits }), sent: 0, crashes: 0, others: 0 },
  ];
  let ends = 0;
  for (let node = stack.pop(); node; node = stack.pop()) {
    const key = keyOf(node);
    if (seen.has(key)) continue;
    seen.add(key);
    const moves = movesOf(node, plan);
    if (moves.length === 0) {
      ends += 1;
      assertFinished(node, plan);
    }
    for (const { move, sends, crashes, other } of moves) {
      const world = apply(node.world, move);
      const refused = other || (move.do === "input" && node.world.state.endAsked);
      assert.ok(refused || world !== node.world, "every move gets somewhere");
      stack.push({
        world,
        sent: node.sent + (sends ? 1 : 0),
        crashes: node.crashes + (crashes ? 1 : 0),
        others: node.others + (other ? 1 : 0),
      });
    }
  }
  return { states: seen.size, ends };
}

const orders = deliveries.flatMap((a) => deliveries.flatMap((b) => deliveries.map((c) => [a, b, c])));

for (const tool of ["pure", "idempotent", "resumable", "unsafe", "asked"])
  test(`three messages, two crashes and one ${tool} call lose, double and block nothing, whatever comes when`, (t) => {
    let states = 0;
    let ends = 0;
    for (const messages of orders) {
      const explored = explore({ messages, tool, crashes: 2, others: [] });
      states += explored.states;
      ends += explored.ends;
    }
    t.diagnostic(`${states} states explored, ${ends} of them ends`);
    assert.ok(ends > orders.length);
  });

test("with on_interrupted_tool ask each run of an unsafe call but the first is allowed by itself, whatever comes when", (t) => {
  const plans = deliveries.flatMap((first) => deliveries.map((second) => [first, second]));
  const explored = plans.map((messages) =>
    explore({ messages, tool: "unsafe", crashes: 2, others: [] }, { onInterruptedTool: "ask" }),
  );
  t.diagnostic(`${explored.reduce((sum, { states }) => sum + states, 0)} states explored`);
  assert.ok(explored.every(({ ends }) => ends > 1));
});

const control = (action: "cancel" | "pause" | "resume" | "end"): Move => ({
  do: "input",
  command: { type: "control", timestamp: "", action, by: "alice", attached: true },
});
const leaving: Record<string, Move[]> = {
  "two cancels": [control("cancel"), control("cancel")],
  "a pause and a resume": [control("pause"), control("resume")],
  "a client that leaves and comes back": [
    { do: "attach", attached: false },
    { do: "attach", attached: true },
  ],
  "a cancel while nobody is there": [
    { do: "attach", attached: false },
    control("cancel"),
    { do: "attach", attached: true },
  ],
  "the session's end": [control("end")],
};

for (const [name, others] of Object.entries(leaving))
  test(`two messages, a crash, a call and ${name} lose, double and block nothing, whatever comes when`, (t) => {
    let states = 0;
    for (const tool of ["pure", "unsafe", "asked"])
      for (const first of deliveries)
        for (const second of deliveries)
          states += explore({ messages: [first, second], tool, crashes: 1, others }).states;
    t.diagnostic(`${states} states explored`);
    assert.ok(states > 1_000);
  });
