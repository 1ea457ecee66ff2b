import { openCalls, type CallState, type SessionState, type TurnState } from "./state.ts";
import type { Step, StepContext, TurnClose } from "./step.ts";

const parallelMax = 8;

/** The next step of an open turn that may go on. */
export function nextTurnStep(state: SessionState, turn: TurnState, context: StepContext): Step {
  const { limits } = context;
  if (turn.cancelAsked || state.waiting.some((message) => message.delivery === "interrupt")) {
    // What was answered before it was cancelled is an answer.
    if (isAnswered(turn) && turn.lastResponse?.stopReason !== "cancelled" && !hasUnseenSteer(state, turn))
      return closeTurn(turn, { outcome: "completed", reason: "answered" });
    return cancel(turn, turn.cancelAsked ? "cancelled" : "interrupted by a new message");
  }
  if (limits.agentMissing !== null)
    return closeTurn(turn, {
      outcome: "failed",
      reason: "agent missing",
      error: { code: "agent-not-found", message: limits.agentMissing, retryable: false },
    });
  if (limits.failure) return closeTurn(turn, { outcome: "failed", reason: limits.failure.code, error: limits.failure });
  const over = limitReached(turn, context);
  if (over !== null && !isAnswered(turn))
    return closeTurn(turn, { outcome: "limit_reached", reason: "limit reached", notice: over });
  const open = openCalls(turn);
  if (open[0]) return nextCallStep(state, turn, open, context);
  if (turn.lastResponse && turn.calls.length === 0) return afterFinal(state, turn);
  if (limits.compactThrough !== null && !turn.compacted) return { type: "compact", throughSeq: limits.compactThrough };
  return { type: "call_model" };
}

/** The model has said its last word, and no call of it is open. */
const isAnswered = (turn: TurnState): boolean => turn.lastResponse !== null && turn.calls.length === 0;

function afterFinal(state: SessionState, turn: TurnState): Step {
  if (turn.lastResponse?.stopReason === "cancelled") return cancel(turn, "cancelled");
  if (hasUnseenSteer(state, turn)) return { type: "call_model" };
  return closeTurn(turn, { outcome: "completed", reason: "answered" });
}

const hasUnseenSteer = (state: SessionState, turn: TurnState): boolean =>
  state.waiting.some((message) => message.delivery === "steer" && message.seq > (turn.lastResponse?.throughSeq ?? 0));

function nextCallStep(
  state: SessionState,
  turn: TurnState,
  open: readonly CallState[],
  context: StepContext,
): Step {
  const started = open.find((call) => call.status === "started");
  if (started) return recover(started, turn, context);
  const denied = open.find((call) => call.status === "denied");
  if (denied) return { type: "deny_call", call: denied, why: denied.denial ?? "denied" };
  const asked = open.find((call) => call.status === "asked");
  if (asked?.question) return askedStep(asked, asked.question.expiresAt, context);
  const steered = state.waiting.some((message) => message.delivery === "steer");
  const unstarted = open.filter((call) => call.status === "waiting");
  if (steered && unstarted.length > 0)
    return { type: "skip_tools", callIds: unstarted.map((call) => call.call.call_id), reason: "new user message" };
  return runOrAsk(open, turn, context);
}

function askedStep(call: CallState, expiresAt: number | null, { now }: StepContext): Step {
  if (expiresAt !== null && expiresAt <= now && call.question)
    return { type: "expire_approval", call, question: call.question };
  return { type: "wait", for: "approval", until: expiresAt };
}

/** The first call decides: it is denied, asked about, or run, together with its neighbours that may run beside it. */
function runOrAsk(open: readonly CallState[], turn: TurnState, context: StepContext): Step {
  const first = open[0];
  if (!first) return { type: "call_model" };
  const facts = context.tool(first.call);
  if (first.status === "waiting" && facts.policy === "deny")
    return { type: "deny_call", call: first, why: facts.denial ?? "denied by policy" };
  if (first.status === "waiting" && facts.policy === "ask") return ask(first, turn, context);
  if (!facts.parallelSafe) return { type: "run_tools", calls: [first] };
  const run = open.slice(0, parallelMax);
  const end = run.findIndex((call) => {
    const { parallelSafe, policy } = context.tool(call.call);
    return !parallelSafe || (call.status === "waiting" && policy !== "allow");
  });
  return { type: "run_tools", calls: end === -1 ? run : run.slice(0, Math.max(1, end)) };
}

function ask(call: CallState, turn: TurnState, { tool, limits, now }: StepContext): Step {
  return {
    type: "request_approval",
    call,
    command: tool(call.call).command,
    requesterId: turn.requesterId,
    expiresAt: limits.approvalTimeoutMs === null ? null : now + limits.approvalTimeoutMs,
  };
}

function recover(call: CallState, turn: TurnState, context: StepContext): Step {
  const { effect } = context.tool(call.call);
  if (effect === "pure" || effect === "idempotent") return { type: "recover_tool", call, how: "rerun" };
  if (effect === "resumable") return { type: "recover_tool", call, how: "resume" };
  if (context.limits.onInterruptedTool === "ask") return ask(call, turn, context);
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

const cancel = (turn: TurnState, reason: string): Step => ({
  ...closeTurn(turn, { outcome: "cancelled", reason }),
  type: "cancel_turn",
});

/** Ends a turn; calls without a result get one first. */
export function closeTurn(turn: TurnState, close: Omit<TurnClose, "settle">): { type: "end_turn" } & TurnClose {
  const settle = openCalls(turn).map((call) => ({
    callId: call.call.call_id,
    as: call.status !== "started" ? ("skipped" as const) : close.outcome === "cancelled" ? ("cancelled" as const) : ("interrupted" as const),
  }));
  return { type: "end_turn", ...close, settle };
}
