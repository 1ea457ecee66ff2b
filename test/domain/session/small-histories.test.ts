import assert from "node:assert/strict";
import { test } from "node:test";

import { conversation } from "../../../src/domain/session/conversation.ts";
import { assertProviderGrammar } from "../../support/provider-grammar.ts";
import { apply, ask, decision, sending, type Move, type Outcome } from "../../support/simulated-runner.ts";
import { newWorld, type World } from "../../support/simulated-world.ts";

const deliveries = ["steer", "queue", "interrupt"] as const;
type Delivery = (typeof deliveries)[number];

/** One small history to be: its messages in order, the tool that the model may call once, the crashes that may come. */
type Plan = { messages: readonly Delivery[]; tool: string; crashes: number };
type Node = { world: World; sent: number; crashes: number };

const text: Outcome = { says: "text", tool: "ok", tookMs: 0 };

function movesOf({ world, sent, crashes }: Node, plan: Plan): { move: Move; sends?: true; crashes?: true }[] {
  const moves: { move: Move; sends?: true; crashes?: true }[] = [];
  const delivery = plan.messages[sent];
  if (delivery) moves.push({ move: sending(world, sent + 1, { delivery, sender: "bob" }), sends: true });
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
function keyOf({ world, sent, crashes }: Node): string {
  const { state, running, taken, effects } = world;
  const { turn } = state;
  return JSON.stringify([
    sent,
    crashes,
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
  assert.deepEqual(world.state.waiting, [], "no message is lost");
  plan.messages.forEach((_, n) => assert.equal(world.taken[`msg_${String(n + 1).padStart(26, "0")}`], 1));
  const ends = world.log.flatMap((event) => (event.type === "turn_end" ? [event.outcome] : []));
  assert.equal(ends.length, world.log.filter((event) => event.type === "turn_start").length);
  const interrupts = plan.messages.filter((delivery) => delivery === "interrupt").length;
  assert.ok(ends.filter((outcome) => outcome === "cancelled").length <= interrupts, "only an interrupt cancels");
  assert.ok(ends.every((outcome) => outcome === "completed" || outcome === "cancelled"));
  assert.equal(ends.at(-1), "completed", "the last message is answered");
  assertProviderGrammar(conversation(world.log));
}

function explore(plan: Plan): { states: number; ends: number } {
  const seen = new Set<string>();
  const stack: Node[] = [
    { world: newWorld({ onDisconnect: "pause", gateway: false, limits: {} }), sent: 0, crashes: 0 },
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
    for (const { move, sends, crashes } of moves) {
      const world = apply(node.world, move);
      assert.ok(world !== node.world, "every move gets somewhere");
      stack.push({ world, sent: node.sent + (sends ? 1 : 0), crashes: node.crashes + (crashes ? 1 : 0) });
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
      const explored = explore({ messages, tool, crashes: 2 });
      states += explored.states;
      ends += explored.ends;
    }
    t.diagnostic(`${states} states explored, ${ends} of them ends`);
    assert.ok(ends > orders.length);
  });
