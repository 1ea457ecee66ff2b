import assert from "node:assert/strict";

import { accept, type SessionCommand } from "../../src/domain/session/accept.ts";
import { evolve } from "../../src/domain/session/evolve.ts";
import { nextSend, nextStep } from "../../src/domain/session/next-step.ts";
import { initialState, pendingCall, type CallState, type SessionState } from "../../src/domain/session/state.ts";
import { isEffect, type Step, type StepLimits, type ToolFacts } from "../../src/domain/session/step.ts";
import { decisionEvents } from "../../src/runtime/decision-events.ts";
import type { MessageId, TurnId } from "../../src/schema/ids.ts";
import { eventKinds, type EventDraft, type OnDisconnect, type SessionEvent, type ToolCall } from "../../src/schema/session-event.ts";
import { allowed, beginning, events, msg, noLimits } from "./given-when-then.ts";

/** Tools by name; their calls are what a simulated model asks for. */
export const simulatedTools: Record<string, ToolFacts> = {
  pure: { ...allowed, effect: "pure", parallelSafe: true },
  idempotent: { ...allowed, effect: "idempotent" },
  resumable: { ...allowed, effect: "resumable" },
  unsafe: allowed,
  asked: { ...allowed, policy: "ask" },
  denied: { ...allowed, policy: "deny" },
};

export type Rules = { onDisconnect: OnDisconnect; gateway: boolean; limits: Partial<StepLimits> };

/** What an effect brings: what the model says, or how its tools fare. */
export type Outcome = { says: "text" | "nothing" | "failure" | readonly string[]; tool: "ok" | "error"; tookMs: number };

export type Move =
  /** The runner does one thing: records a decision, begins an effect, or finishes the one that runs. */
  | { do: "step"; outcome: Outcome }
  /** The process dies in the middle of its next write, after `after` of its events; 0: before it. */
  | { do: "crash"; after: number; outcome: Outcome }
  | { do: "handover" }
  | { do: "attach"; attached: boolean }
  | { do: "clock"; ms: number }
  | { do: "deliver"; times: number }
  | { do: "input"; command: SessionCommand };

type Running = { type: "call_model" | "run_tools" | "recover_tool" | "compact"; since: number; throughSeq: number; calls: readonly CallState[] };

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
  const gateway = rules.gateway ? { gateway: "g", gateway_chat_id: "c" } : {};
  return append(world, [events.start({ on_disconnect: rules.onDisconnect, ...gateway })]);
}

/** What the engine wants of this world now. */
export function ask(world: World, during = world.running !== null): Step {
  return nextStep(world.state, {
    attached: world.attached,
    now: world.now,
    lease: { epoch: world.epoch, previous: world.previous },
    limits: { ...noLimits, ...world.rules.limits, failure: world.failure },
    tool: (call) => simulatedTools[call.tool_name] ?? allowed,
    ...(during && world.running ? { running: { type: world.running.type, since: world.running.since } } : {}),
  });
}

export function apply(world: World, move: Move): World {
  switch (move.do) {
    case "step":
      return stepped(world, move.outcome, Infinity);
    case "crash": {
      const cut = move.after === 0 ? world : stepped(world, move.outcome, move.after);
      return { ...cut, running: null, failure: null, epoch: cut.epoch + 1, previous: "lost" };
    }
    case "handover":
      return world.running ? world : { ...world, failure: null, epoch: world.epoch + 1, previous: "released" };
    case "attach":
      return { ...world, attached: move.attached };
    case "clock":
      return { ...world, now: world.now + move.ms };
    case "deliver": {
      const send = nextSend(world.state);
      const command = { type: "record_delivery", timestamp: time(world), requestId: send?.request_id ?? "none", status: "sent" } as const;
      const outcome = accept(world.state, command);
      // The gateway reports twice before the first report is folded.
      return outcome.kind === "accepted" ? append(world, Array.from({ length: move.times }, () => outcome.event)) : world;
    }
    case "input": {
      const outcome = accept(world.state, { ...move.command, timestamp: time(world) });
      return outcome.kind === "accepted" ? append(world, [outcome.event]) : world;
    }
  }
}

/** An answer to the pending question, if there is one. */
export function decision(world: World, choice: "allow_once" | "deny", by: string): Move | null {
  const pending = pendingCall(world.state);
  if (!pending) return null;
  const callId = pending.call.call_id;
  return { do: "input", command: { type: "decide_approval", timestamp: "", callId, decision: choice, decidedBy: by, mayDecide: by === "approver" } };
}

function stepped(world: World, outcome: Outcome, writeMax: number): World {
  if (world.running) return finished(world, world.running, outcome, writeMax);
  const step = ask(world);
  if (step.type === "wait") return world;
  if (step.type === "start_turn") return append(world, [turnStart(world, step.messageIds)], writeMax);
  if (isEffect(step)) return begun(world, step, writeMax);
  const making = { timestamp: time(world), ulid: () => ulid(world.log.length), workerId: "w" };
  const decided = append(world, decisionEvents(world.state, step, making), writeMax);
  return step.type === "end_turn" || step.type === "cancel_turn" ? { ...decided, failure: null } : decided;
}

function begun(world: World, step: Step, writeMax: number): World {
  assert.notEqual(world.state.status, "paused", "nothing starts while a session is paused");
  const base = { since: world.now, throughSeq: world.state.seq };
  if (step.type === "call_model" || step.type === "compact") {
    assert.ok(world.state.turn, "an effect belongs to an open turn");
    return { ...world, running: { ...base, type: step.type, calls: [] } };
  }
  const calls = step.type === "run_tools" ? step.calls : step.type === "recover_tool" ? [step.call] : [];
  assert.ok(calls.length > 0 && calls.length <= 8);
  const drafts = calls.map((call): EventDraft => ({
    timestamp: time(world),
    turn_id: world.state.turn?.id,
    type: "tool_start",
    call_id: call.call.call_id,
    tool_name: call.call.tool_name,
    attempt: call.attempt + 1,
    idempotency_key: call.idempotencyKey ?? keyOf(world, call.call),
  }));
  const written = append(world, drafts, writeMax);
  if (drafts.length > writeMax) return written;
  const effects = { ...written.effects };
  for (const call of calls) {
    const key = keyOf(written, call.call);
    const found = step.type === "recover_tool" && step.how === "resume" && (effects[key] ?? 0) > 0;
    if (!found) effects[key] = (effects[key] ?? 0) + 1;
    checkAllowed(written, call.call, effects[key] ?? 0);
  }
  const type = step.type === "recover_tool" ? step.type : "run_tools";
  return { ...written, effects, running: { ...base, type, calls } };
}

function finished(world: World, running: Running, outcome: Outcome, writeMax: number): World {
  const step = ask(world, true);
  if (step.type === "resume" || step.type === "pause")
    return append(world, decisionEvents(world.state, step, { timestamp: time(world), ulid: () => "", workerId: "w" }), writeMax);
  const abort = step.type === "abort" ? step.reason : null;
  const rest = { ...world, running: null, now: world.now + outcome.tookMs };
  if (running.type === "compact")
    return abort ? rest : append(rest, [events.compacted(world.state.lastTurnEnd)], writeMax);
  if (running.type === "call_model") return responded(rest, running, outcome, abort, writeMax);
  const results = running.calls.map(({ call }) =>
    events.result(call.call_id, abort ? "cancelled" : outcome.tool, { duration_ms: outcome.tookMs }),
  );
  return append(rest, results, writeMax);
}

function responded(world: World, running: Running, outcome: Outcome, abort: string | null, writeMax: number): World {
  const common = { latency_ms: outcome.tookMs, turn_id: world.state.turn?.id };
  if (abort === "background_limit") {
    const usage = { prompt_tokens: 1, completion_tokens: 0, total_tokens: 1 };
    const latency_ms = world.now - running.since;
    return append(world, [{ timestamp: time(world), type: "usage_recorded", usage, model: "m", reason: abort, latency_ms }], writeMax);
  }
  if (abort) return append(world, [events.response(running.throughSeq, { ...common, content: "pa", stop_reason: "cancelled" })], writeMax);
  if (outcome.says === "failure")
    return { ...world, failure: { code: "provider-error", message: "no", retryable: true } };
  const toolCalls = typeof outcome.says === "string" ? [] : outcome.says.map((name, n) => ({ call_id: `c${n}`, tool_name: name, arguments: {} }));
  const content = outcome.says === "nothing" ? "" : "text";
  const draft = events.response(running.throughSeq, { ...common, content, tool_calls: toolCalls.length > 0 ? toolCalls : undefined });
  return append(world, [draft], writeMax);
}

/** A call that policy or an open question holds back never runs, and an unsafe one runs again only when told to. */
function checkAllowed(world: World, call: ToolCall, times: number): void {
  const since = world.log.findLastIndex((event) => event.type === "assistant_response");
  const about = world.log.slice(since).filter((event) => "call_id" in event && event.call_id === call.call_id);
  const answers = new Map<string, string>();
  for (const event of about)
    if (event.type === "approval_decision" && !answers.has(event.approval_id)) answers.set(event.approval_id, event.decision);
  const approvals = [...answers.values()].filter((answer) => answer !== "deny").length;
  const facts = simulatedTools[call.tool_name] ?? allowed;
  assert.ok(about.some((event) => event.type === "tool_start"), "a call starts in the log before it starts");
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
    const event: SessionEvent = { ...draft, timestamp: time(world), ...place };
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

const turnStart = (world: World, messageIds: readonly MessageId[]): EventDraft => ({
  timestamp: time(world),
  type: "turn_start",
  turn_id: `turn_${ulid(world.log.length)}` as TurnId,
  message_ids: [...messageIds],
  agent_digest: "d",
});

const keyOf = (world: World, call: ToolCall): string => `${world.state.turn?.lastResponse?.seq}.${call.call_id}`;
const ulid = (n: number): string => String(n).padStart(26, "0");
const time = (world: World): string => new Date(world.now).toISOString();

export type Sent = { delivery: "steer" | "queue" | "interrupt"; sender?: string; mayDecide?: boolean; unattended?: boolean; debounceMs?: number };

/** The input of a message; `n` is its number. */
export function sending(world: World, n: number, sent: Sent): Move {
  const notBefore = sent.debounceMs === undefined ? {} : { notBefore: new Date(world.now + sent.debounceMs).toISOString() };
  return {
    do: "input",
    command: {
      type: "send_message",
      timestamp: "",
      messageId: msg(n),
      content: `m${n}`,
      delivery: sent.delivery,
      senderId: sent.sender,
      source: "http",
      unattended: sent.unattended === true,
      mayDecide: sent.mayDecide === true,
      ...notBefore,
    },
  };
}
