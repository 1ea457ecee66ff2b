import { placeOf } from "./chat-sends.ts";
import { openCalls, type CallState, type SessionState, type TurnState } from "./state.ts";
import type { Settlement, Step, StepContext, ToolFacts, TurnClose } from "./step.ts";

const parallelMax = 8;

/** The next step of an open turn that may go on. */
export function nextTurnStep(state: SessionState, turn: TurnState, context: StepContext): Step {
  const { limits } = context;
  if (turn.cancelAsked) return cancelTurn(state, turn, "cancelled");
  if (isInterrupted(state, turn)) return cancelTurn(state, turn, "interrupted by a new message");
  if (limits.agentMissing !== null)
    return closeTurn(turn, {
      outcome: "failed",
      reason: "agent missing",
      error: { code: "agent-not-found", message: limits.agentMissing, retryable: false },
    });
  if (limits.failure) return closeTurn(turn, { outcome: "failed", reason: limits.failure.code, error: limits.failure });
  const over = limitReached(turn, context);
  if (over !== null && (!isAnswered(turn) || hasUnseenSteer(state, turn)))
    return closeTurn(turn, { outcome: "limit_reached", reason: "limit reached", notice: over });
  if (turn.lastResponse?.stopReason === "cancelled") return cancelTurn(state, turn, "cancelled");
  const open = openCalls(turn);
  if (open[0]) return nextCallStep(state, turn, open, context);
  if (isAnswered(turn) && !hasUnseenSteer(state, turn))
    return closeTurn(turn, { outcome: "completed", reason: "answered" });
  if (limits.compactThrough !== null && !turn.compacted) return { type: "compact", throughSeq: limits.compactThrough };
  return { type: "call_model" };
}

/** The model has said its last word. */
const isAnswered = (turn: TurnState): boolean =>
  turn.lastResponse !== null && turn.calls.length === 0 && turn.lastResponse.stopReason !== "cancelled";

/**
 * A message that came after the turn's start wants it stopped. While a question is open only one that also answers it
 * does: the others wait for the answer.
 */
export const isInterrupted = (state: SessionState, turn: TurnState): boolean =>
  state.waiting.some((message) => message.delivery === "interrupt" && message.seq > turn.startSeq) &&
  !turn.calls.some((call) => call.status === "asked");

/** Stops a turn; what was answered before is an answer. */
export function cancelTurn(state: SessionState, turn: TurnState, reason: string): Step {
  if (isAnswered(turn) && !hasUnseenSteer(state, turn))
    return closeTurn(turn, { outcome: "completed", reason: "answered" });
  return { ...closeTurn(turn, { outcome: "cancelled", reason }), type: "cancel_turn" };
}

const hasUnseenSteer = (state: SessionState, turn: TurnState): boolean =>
  state.waiting.some((message) => message.delivery === "steer" && message.seq > (turn.lastResponse?.throughSeq ?? 0));

function nextCallStep(state: SessionState, turn: TurnState, open: readonly CallState[], context: StepContext): Step {
  const started = open.find((call) => call.status === "started");
  if (started) return recover(state, started, turn, context);
  const denied = open.find((call) => call.status === "denied");
  if (denied) return { type: "deny_call", call: denied, why: denialOf(denied, denied.denial ?? "denied") };
  const asked = open.find((call) => call.status === "asked");
  if (asked?.question) return askedStep(asked, asked.question.expiresAt, context);
  const steered = state.waiting.some((message) => message.delivery === "steer");
  const unstarted = open.filter((call) => call.status === "waiting");
  if (steered && unstarted.length > 0)
    return { type: "skip_tools", callIds: unstarted.map((call) => call.call.call_id), reason: "new user message" };
  return runOrAsk(state, open, turn, context);
}

/** Denying to run it again does not undo what a lost run may have done. */
const denialOf = ({ attempt }: CallState, why: string): string =>
  `${why}${attempt > 0 ? "; an earlier run of this call was interrupted and may have taken effect" : ""}`;

function askedStep(call: CallState, expiresAt: number | null, { now }: StepContext): Step {
  if (expiresAt !== null && expiresAt <= now && call.question)
    return { type: "expire_approval", call, question: call.question };
  return { type: "wait", for: "approval", until: expiresAt };
}

/** The first call decides: it is denied, asked about, or run, together with its neighbours that may run beside it. */
function runOrAsk(state: SessionState, open: readonly CallState[], turn: TurnState, context: StepContext): Step {
  const first = open[0];
  if (!first) return { type: "call_model" };
  const facts = context.tool(first.call);
  // Also of a call that was allowed: policy may have changed while its question was open.
  if (facts.policy === "deny")
    return { type: "deny_call", call: first, why: denialOf(first, facts.denial ?? "denied by policy") };
  if (wantsQuestion(first, facts)) return ask(state, first, turn, context);
  if (!facts.parallelSafe) return { type: "run_tools", calls: [first] };
  const run = open.slice(0, parallelMax);
  const end = run.findIndex((call) => {
    const beside = context.tool(call.call);
    return !beside.parallelSafe || beside.policy === "deny" || wantsQuestion(call, beside);
  });
  return { type: "run_tools", calls: end === -1 ? run : run.slice(0, Math.max(1, end)) };
}

const wantsQuestion = (call: CallState, facts: Pick<ToolFacts, "policy" | "fingerprint">): boolean =>
  call.status === "waiting" ? facts.policy === "ask" : isAnotherTool(call, facts);

/** A tool that is not what somebody said yes to: its server has changed it while, or since, the question was open. */
const isAnotherTool = ({ question }: CallState, { fingerprint }: Pick<ToolFacts, "fingerprint">): boolean =>
  question !== null && fingerprint !== undefined && question.fingerprint !== fingerprint;

function ask(
  state: SessionState,
  call: CallState,
  turn: TurnState,
  { tool, limits, now, attached }: StepContext,
): Step {
  const { command, fingerprint, always } = tool(call.call);
  const inChat = state.gateway !== null;
  return {
    type: "request_approval",
    call,
    command,
    ...(fingerprint === undefined ? {} : { fingerprint }),
    requesterId: turn.requesterId,
    expiresAt: limits.approvalTimeoutMs === null ? null : now + limits.approvalTimeoutMs,
    announceTo: attached || inChat ? null : limits.announceTo,
    prompt: inChat ? { ...placeOf(state, turn), always: always === true } : null,
  };
}

function recover(state: SessionState, call: CallState, turn: TurnState, context: StepContext): Step {
  const facts = context.tool(call.call);
  const { effect } = facts;
  const mayRepeat = effect === "pure" || effect === "idempotent" || context.limits.onInterruptedTool === "retry";
  // A tool that has changed says itself that it may be repeated.
  if (mayRepeat && isAnotherTool(call, facts)) return ask(state, call, turn, context);
  if (effect === "pure" || effect === "idempotent") return { type: "recover_tool", call, how: "rerun" };
  if (effect === "resumable") return { type: "recover_tool", call, how: "resume" };
  if (context.limits.onInterruptedTool === "ask") return ask(state, call, turn, context);
  const how = context.limits.onInterruptedTool === "retry" ? "rerun" : "interrupted";
  return { type: "recover_tool", call, how };
}

function limitReached(turn: TurnState, { limits }: StepContext): string | null {
  if (limits.maxTurnMs !== null && turn.workMs >= limits.maxTurnMs)
    return `Stopped: this turn has worked for ${Math.round(turn.workMs / 1000)} s, its limit (max_turn_seconds).`;
  if (openCalls(turn).length > 0) return null;
  if (limits.maxToolIterations > 0 && turn.responses >= limits.maxToolIterations)
    return `Stopped after ${turn.responses} model calls, the limit of a turn (max_tool_iterations).`;
  return limits.spent;
}

/** Ends a turn; calls without a result get one first. */
export function closeTurn(turn: TurnState, close: Omit<TurnClose, "settle">): { type: "end_turn" } & TurnClose {
  const settle = openCalls(turn).map((call) => ({
    callId: call.call.call_id,
    as: settlementOf(call, close.outcome),
  }));
  return { type: "end_turn", ...close, settle };
}

/** A call that was started once may have taken effect, whatever was asked about it since. */
function settlementOf(call: CallState, outcome: TurnClose["outcome"]): Settlement["as"] {
  if (call.attempt === 0) return "skipped";
  return outcome === "cancelled" ? "cancelled" : "interrupted";
}
