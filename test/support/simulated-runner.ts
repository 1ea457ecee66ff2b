import assert from "node:assert/strict";

import { accept, type SessionCommand } from "../../src/domain/session/accept.ts";
import { nextSend, nextStep } from "../../src/domain/session/next-step.ts";
import { pendingCall } from "../../src/domain/session/state.ts";
import { isEffect, type Step } from "../../src/domain/session/step.ts";
import { decisionEvents } from "../../src/runtime/decision-events.ts";
import type { TurnId } from "../../src/schema/ids.ts";
import type { EventDraft, ToolCall } from "../../src/schema/session-event.ts";
import { allowed, events, msg, noLimits } from "./given-when-then.ts";
import { append, checkAllowed, simulatedTools, timeOf, type Running, type World } from "./simulated-world.ts";

/** What an effect brings: what the model says, or how its tools fare. */
export type Outcome = {
  says: "text" | "nothing" | "failure" | readonly string[];
  tool: "ok" | "error";
  tookMs: number;
};

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

/** What the engine wants of this world now. */
export function ask(world: World, during = world.running !== null): Step {
  return nextStep(world.state, {
    attached: world.attached,
    now: world.now,
    lease: { epoch: world.epoch, previous: world.previous },
    limits: { ...noLimits, ...world.rules.limits, failure: world.failure },
    tool: (call) => simulatedTools[call.tool_name] ?? allowed,
    ...(during && world.running ? { running: runningOf(world.running) } : {}),
  });
}

const runningOf = ({ type, since, throughSeq }: Running) => ({
  type,
  since,
  ...(type === "call_model" ? { throughSeq } : {}),
});

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
      const command = {
        type: "record_delivery",
        timestamp: timeOf(world),
        requestId: send?.request_id ?? "none",
        status: "sent",
      } as const;
      const outcome = accept(world.state, command);
      // The gateway reports twice before the first report is folded.
      return outcome.kind === "accepted"
        ? append(
            world,
            Array.from({ length: move.times }, () => outcome.event),
          )
        : world;
    }
    case "input": {
      const outcome = accept(world.state, { ...move.command, timestamp: timeOf(world) });
      return outcome.kind === "accepted" ? append(world, [outcome.event]) : world;
    }
  }
}

/** An answer to the pending question, if there is one. */
export function decision(world: World, choice: "allow_once" | "deny", by: string): Move | null {
  const pending = pendingCall(world.state);
  if (!pending) return null;
  const callId = pending.call.call_id;
  return {
    do: "input",
    command: {
      type: "decide_approval",
      timestamp: "",
      callId,
      decision: choice,
      decidedBy: by,
      mayDecide: by === "approver",
    },
  };
}

function stepped(world: World, outcome: Outcome, writeMax: number): World {
  if (world.running) return finished(world, world.running, outcome, writeMax);
  const step = ask(world);
  if (step.type === "wait") return world;
  if (step.type === "start_turn") return append(world, [turnStart(world, step)], writeMax);
  if (isEffect(step)) return begun(world, step, writeMax);
  const decided = append(world, decisionEvents(world.state, step, making(world)), writeMax);
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
    timestamp: timeOf(world),
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
  if (step.type === "resume" || step.type === "pause" || step.type === "drop_messages")
    return append(world, decisionEvents(world.state, step, making(world)), writeMax);
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
    return append(
      world,
      [{ timestamp: timeOf(world), type: "usage_recorded", usage, model: "m", reason: abort, latency_ms }],
      writeMax,
    );
  }
  if (abort)
    return append(
      world,
      [events.response(running.throughSeq, { ...common, content: "pa", stop_reason: "cancelled" })],
      writeMax,
    );
  if (outcome.says === "failure")
    return { ...world, failure: { code: "provider-error", message: "no", retryable: true } };
  const toolCalls =
    typeof outcome.says === "string"
      ? []
      : outcome.says.map((name, n) => ({ call_id: `c${n}`, tool_name: name, arguments: {} }));
  const content = outcome.says === "nothing" ? "" : "text";
  const draft = events.response(running.throughSeq, {
    ...common,
    content,
    tool_calls: toolCalls.length > 0 ? toolCalls : undefined,
  });
  return append(world, [draft], writeMax);
}

const making = (world: World) => ({
  timestamp: timeOf(world),
  ulid: () => ulid(world.log.length),
  workerId: "w",
  digest: () => "0".repeat(64),
});

const turnStart = (world: World, { messageIds, contextFrom }: Extract<Step, { type: "start_turn" }>): EventDraft => ({
  timestamp: timeOf(world),
  type: "turn_start",
  turn_id: `turn_${ulid(world.log.length)}` as TurnId,
  message_ids: [...messageIds],
  agent_digest: "d",
  ...(contextFrom === null ? {} : { context_from: contextFrom }),
});

const keyOf = (world: World, call: ToolCall): string => `${world.state.turn?.lastResponse?.seq}.${call.call_id}`;
const ulid = (n: number): string => String(n).padStart(26, "0");

export type Sent = {
  delivery: "steer" | "queue" | "interrupt";
  sender?: string;
  mayDecide?: boolean;
  unattended?: boolean;
  debounceMs?: number;
  /** It came over the session's chat. */
  fromChat?: boolean;
};

/** The input of a message; `n` is its number. */
export function sending(world: World, n: number, sent: Sent): Move {
  const notBefore =
    sent.debounceMs === undefined ? {} : { notBefore: new Date(world.now + sent.debounceMs).toISOString() };
  return {
    do: "input",
    command: {
      type: "send_message",
      timestamp: "",
      messageId: msg(n),
      content: `m${n}`,
      delivery: sent.delivery,
      senderId: sent.sender,
      source: sent.fromChat ? "gateway:g" : "http",
      ...(sent.fromChat ? { gatewayMessageId: `p${n}`, threadId: `t${n % 2}` } : {}),
      unattended: sent.unattended === true,
      mayDecide: sent.mayDecide === true,
      ...notBefore,
    },
  };
}

/** The input of something said in a group without addressing the agent; `n` is its number. */
export const overhearing = (n: number, disposition: "silent" | "passive"): Move => ({
  do: "input",
  command: {
    type: "send_silent_message",
    timestamp: "",
    messageId: msg(n),
    content: `s${n}`,
    senderId: "eve",
    disposition,
    context: true,
  },
});
