import assert from "node:assert/strict";

import { evolve } from "../../src/domain/session/evolve.ts";
import { initialState, type CallState, type SessionState } from "../../src/domain/session/state.ts";
import type { StepLimits, ToolFacts } from "../../src/domain/session/step.ts";
import {
  eventKinds,
  type EventDraft,
  type OnDisconnect,
  type SessionEvent,
  type ToolCall,
} from "../../src/schema/session-event.ts";
import { allowed, beginning, events } from "./given-when-then.ts";

/** Tools by name; their calls are what a simulated model asks for. */
export const simulatedTools: Record<string, ToolFacts> = {
  pure: { ...allowed, effect: "pure", parallelSafe: true },
  idempotent: { ...allowed, effect: "idempotent" },
  resumable: { ...allowed, effect: "resumable" },
  unsafe: allowed,
  asked: { ...allowed, policy: "ask", always: true },
  denied: { ...allowed, policy: "deny" },
};

/** `gateway`: the session belongs to a chat, of a group unless said otherwise. */
export type Rules = {
  onDisconnect: OnDisconnect;
  gateway: boolean;
  chatType?: "dm" | "group";
  limits: Partial<StepLimits>;
};

/** The effect that is being performed. */
export type Running = {
  type: "call_model" | "run_tools" | "recover_tool" | "compact";
  since: number;
  throughSeq: number;
  calls: readonly CallState[];
};

/** A session and all around it that a crash does or does not leave. Never changed: each move makes another one. */
export type World = {
  readonly rules: Rules;
  readonly log: readonly SessionEvent[];
  readonly state: SessionState;
  readonly now: number;
  readonly attached: boolean;
  readonly epoch: number;
  readonly previous: "none" | "released" | "lost";
  readonly running: Running | null;
  readonly failure: StepLimits["failure"];
  /** Side effects, by the key of the call. */
  readonly effects: Readonly<Record<string, number>>;
  /** Turns that each message was taken in by, or drops of it. */
  readonly taken: Readonly<Record<string, number>>;
};

export function newWorld(rules: Rules): World {
  const world: World = {
    rules,
    log: [],
    state: initialState,
    now: beginning,
    attached: true,
    epoch: 1,
    previous: "none",
    running: null,
    failure: null,
    effects: {},
    taken: {},
  };
  const gateway = rules.gateway ? { gateway: "g", gateway_chat_id: "c", gateway_chat_type: rules.chatType } : {};
  return append(world, [events.start({ on_disconnect: rules.onDisconnect, ...gateway })]);
}

/** A call that policy or an open question holds back never runs, and an unsafe one runs again only when told to. */
export function checkAllowed(world: World, call: ToolCall, times: number): void {
  const since = world.log.findLastIndex((event) => event.type === "assistant_response");
  const about = world.log.slice(since).filter((event) => "call_id" in event && event.call_id === call.call_id);
  const answers = new Map<string, string>();
  for (const event of about)
    if (event.type === "approval_decision" && !answers.has(event.approval_id))
      answers.set(event.approval_id, event.decision);
  const approvals = [...answers.values()].filter((answer) => answer !== "deny").length;
  const facts = simulatedTools[call.tool_name] ?? allowed;
  assert.ok(
    about.some((event) => event.type === "tool_start"),
    "a call starts in the log before it starts",
  );
  assert.notEqual(facts.policy, "deny", "a denied call never runs");
  if (facts.effect !== "unsafe" && facts.effect !== "resumable") return;
  if (facts.effect === "resumable") assert.ok(times <= 1, "what can be found again is not run again");
  else assert.ok(times <= approvals + (facts.policy === "ask" ? 0 : 1), `${call.tool_name} ran ${times} times`);
}

/** Appends drafts, as many as are written before the process dies, and keeps count of what took each message in. */
export function append(world: World, drafts: readonly EventDraft[], writeMax = Infinity): World {
  const log = [...world.log];
  const taken = { ...world.taken };
  let state = world.state;
  const take = (id: string): void => {
    taken[id] = (taken[id] ?? 0) + 1;
    assert.ok(taken[id] <= 1, `${id} was taken in twice`);
  };
  for (const draft of drafts.slice(0, writeMax)) {
    const kind = eventKinds[draft.type];
    const place = { seq: log.length + 1, ...(kind === "decision" || kind === "outcome" ? { epoch: world.epoch } : {}) };
    const event: SessionEvent = { ...draft, timestamp: timeOf(world), ...place };
    if (event.type === "turn_start") assert.equal(state.turn, null, "a turn starts when none is open");
    if (event.type === "turn_end") assert.ok(state.turn, "a turn ends once");
    assert.ok(!state.ended || kind === "input", "after the end nothing is decided");
    if (event.type === "turn_start" || event.type === "messages_dropped") event.message_ids.forEach(take);
    if (event.type === "assistant_response")
      for (const earlier of log)
        if (earlier.type === "user_message" && earlier.delivery === "steer" && earlier.seq <= event.through_seq)
          if (!taken[earlier.message_id]) take(earlier.message_id);
    log.push(event);
    state = evolve(state, event);
  }
  return { ...world, log, state, taken };
}

export const timeOf = (world: World): string => new Date(world.now).toISOString();
