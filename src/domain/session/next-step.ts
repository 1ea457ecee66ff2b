import { isQueueFull, queueDrop, waitsForAnswer } from "./chat-queue.ts";
import { contextFrom } from "./group-context.ts";
import { hasOpenWork, nextStatus } from "./next-status.ts";
import { cancelTurn, closeTurn, isInterrupted, nextTurnStep } from "./next-turn-step.ts";
import type { OpenSend, SessionState, WaitingMessage } from "./state.ts";
import { isEffect, type Step, type StepContext } from "./step.ts";

/** A burst of messages of one sender is held back at most this long after its first. */
const debounceMaxMs = 10_000;
/** What is still to be sent when a session ends gets this long. */
const endGraceMs = 60_000;
/** A step still running this long after the background limit is aborted. */
const backgroundGraceMs = 60_000;
const crashesMax = 3;

/**
 * What must happen next in a session: total, pure, and the only place where the engine chooses. Recovery and handover
 * are this function again, over the folded log.
 */
export function nextStep(state: SessionState, context: StepContext): Step {
  if (context.running) return whileRunning(state, context, context.running);
  if (state.ended) return { type: "wait", for: "nothing", until: null };
  const text = state.unsent[0];
  if (text) return { type: "record_send", text };
  if (state.endAsked) return ending(state, context, state.endAsked);
  const left = queueDrop(state, context);
  if (left) return left;
  const overdue = expired(state, context.now);
  if (overdue) return overdue;
  // Cancelling starts nothing, so a paused session does it too.
  if (state.turn?.cancelAsked) return nextTurnStep(state, state.turn, context);
  const notice = waitsForAnswer(state, context);
  if (notice) return { type: "record_send", text: notice };
  const status = nextStatus(state, context);
  if (status) return { type: status.to === "paused" ? "pause" : "resume", ...status };
  if (state.status === "paused") return whilePaused(state, context);
  if (!state.turn) return idle(state, context);
  return takenUp(state, context, nextTurnStep(state, state.turn, context));
}

/** What must go out next: the oldest send that has no delivery record. */
export function nextSend(state: SessionState): OpenSend | null {
  return state.sends[0] ?? null;
}

function whilePaused(state: SessionState, { now, limits }: StepContext): Step {
  const until = approvalExpiry(state) ?? ttlEnd(state, limits.ttlMs);
  return idleEnd(state, now, limits.ttlMs) ?? { type: "wait", for: state.pauseAsked ? "resume" : "client", until };
}

function idle(state: SessionState, context: StepContext): Step {
  const { now, limits } = context;
  // A full queue holds nothing back: what ripens is its oldest message, and that is what would be dropped for the next.
  const isFull = isQueueFull(state, context);
  const ripe = isFull ? state.waiting : state.waiting.filter((message) => ripeAt(state, message) <= now);
  if (ripe.length > 0) {
    // One by one: the others wait for the next turn.
    const taken = limits.queue?.mode === "sequential" ? ripe.slice(0, 1) : ripe;
    return {
      type: "start_turn",
      messageIds: taken.map((message) => message.messageId),
      contextFrom: contextFrom(state.overheard, limits.contextBuffer, now),
    };
  }
  if (state.waiting.length > 0) {
    const until = Math.min(...state.waiting.map((message) => ripeAt(state, message)));
    return { type: "wait", for: "message", until };
  }
  return idleEnd(state, now, limits.ttlMs) ?? { type: "wait", for: "message", until: ttlEnd(state, limits.ttlMs) };
}

/** A session without open work ends when its time is over, also while it is asked to pause. */
function idleEnd(state: SessionState, now: number, ttlMs: number | null): Step | null {
  const end = ttlEnd(state, ttlMs);
  return end !== null && end <= now && !hasOpenWork(state)
    ? { type: "end_session", from: state.status, reason: "timeout" }
    : null;
}

/** What is still to be sent is open work; a fork's copied events are older than the fork. */
const ttlEnd = (state: SessionState, ttlMs: number | null): number | null =>
  ttlMs === null || state.sends.length > 0 || hasOpenWork(state)
    ? null
    : Math.max(Date.parse(state.createdAt), Date.parse(state.updatedAt)) + ttlMs;

/** A sender's messages ripen together: when the latest `not_before` among them has passed, 10 s after the first at most. */
function ripeAt(state: SessionState, message: WaitingMessage): number {
  const burst = state.waiting.filter((other) => other.senderId === message.senderId);
  const latest = Math.max(...burst.map((other) => other.notBefore ?? 0));
  const first = Math.min(...burst.map((other) => other.at));
  return Math.min(latest, first + debounceMaxMs);
}

/** Another runner left this turn open: that is recorded just before its first effect here. */
function takenUp(state: SessionState, { lease }: StepContext, step: Step): Step {
  const { turn } = state;
  if (!turn || !isEffect(step) || turn.epoch >= lease.epoch) return step;
  if (lease.previous !== "released" && lease.previous !== "lost") return step;
  const crashes = turn.crashes + (lease.previous === "lost" ? 1 : 0);
  if (crashes >= crashesMax)
    return closeTurn(turn, {
      outcome: "failed",
      reason: "repeated crash",
      error: {
        code: "repeated-crash",
        message: `this turn was interrupted ${crashes} times without getting any further`,
        retryable: false,
      },
    });
  const cause = lease.previous === "lost" ? "crash" : "handover";
  return { type: "take_up_turn", attempt: turn.resumptions + 1, cause };
}

function ending(state: SessionState, { now }: StepContext, asked: NonNullable<SessionState["endAsked"]>): Step {
  if (state.turn) return cancelTurn(state, state.turn, "the session ends");
  if (state.waiting.length > 0)
    return {
      type: "drop_messages",
      messageIds: state.waiting.map((message) => message.messageId),
      cause: "session_end",
      reason: "the session ends",
      notices: [],
    };
  if (state.sends.length > 0) {
    const until = asked.at + endGraceMs;
    if (now < until) return { type: "wait", for: "delivery", until };
    return { type: "fail_sends", requestIds: state.sends.map((send) => send.request_id) };
  }
  return { type: "end_session", from: state.status, reason: asked.reason };
}

function whileRunning(state: SessionState, context: StepContext, running: NonNullable<StepContext["running"]>): Step {
  if (state.ended || state.endAsked) return { type: "abort", reason: "cancel" };
  const { turn } = state;
  if (!turn) return { type: "abort", reason: "cancel" };
  if (turn.cancelAsked || isInterrupted(state, turn)) return { type: "abort", reason: "cancel" };
  const { now, limits } = context;
  const turnEnds = limits.maxTurnMs === null ? null : running.since + (limits.maxTurnMs - turn.workMs);
  if (turnEnds !== null && turnEnds <= now) return { type: "abort", reason: "turn_limit" };
  const left = queueDrop(state, context);
  if (left) return left;
  const status = nextStatus(state, context);
  // A client that comes or goes is seen at once; a pause waits for the end of the step.
  if (status && status.to !== "paused" && state.status !== "paused") return { type: "resume", ...status };
  const background = state.status === "running" ? backgroundEnd(state, limits.maxBackgroundMs, running.since) : null;
  if (background !== null && background <= now) return { type: "abort", reason: "background_limit" };
  const times = [turnEnds, background].filter((time) => time !== null);
  return { type: "continue", until: times.length > 0 ? Math.min(...times) : null };
}

function backgroundEnd(state: SessionState, maxBackgroundMs: number, since: number): number {
  // A client that left in the middle of the step: its work counts from then.
  const from = Math.max(since, state.statusSince);
  return from + Math.max(0, maxBackgroundMs - state.backgroundMs) + backgroundGraceMs;
}

function expired(state: SessionState, now: number): Step | null {
  for (const call of state.turn?.calls ?? [])
    if (call.status === "asked" && call.question?.expiresAt && call.question.expiresAt <= now)
      return { type: "expire_approval", call, question: call.question };
  return null;
}

function approvalExpiry(state: SessionState): number | null {
  const times = (state.turn?.calls ?? [])
    .filter((call) => call.status === "asked")
    .map((call) => call.question?.expiresAt ?? null)
    .filter((time) => time !== null);
  return times.length > 0 ? Math.min(...times) : null;
}
