import type { SessionState } from "./state.ts";
import type { StatusStep, StepContext } from "./step.ts";

/** The status that a session should have now, and why it changes; `null`: it is right as it is. */
export function nextStatus(state: SessionState, context: StepContext): StatusStep | null {
  const wanted = wantedStatus(state, context);
  if (wanted === null || wanted.to === state.status) return null;
  return { from: state.status, ...wanted };
}

/** Whether something is left to do for the agent or for a message. */
export const hasOpenWork = (state: SessionState): boolean => state.turn !== null || state.waiting.length > 0;

function wantedStatus(
  state: SessionState,
  { attached, limits, lease }: StepContext,
): Pick<StatusStep, "to" | "cause"> | null {
  if (state.endAsked) return null;
  // Once this runner has taken the turn up, what follows has other causes.
  const recovering = lease.previous === "lost" && (state.turn === null || state.turn.epoch < lease.epoch);
  if (state.pauseAsked) return { to: "paused", cause: "pause" };
  if (!hasOpenWork(state)) return { to: "active", cause: causeOfGoingOn(state, attached) };
  if (attached) return { to: "active", cause: causeOfGoingOn(state, attached) };
  if (!goesOnAlone(state)) return { to: "paused", cause: recovering ? "recovery" : "detach" };
  if (isBackgroundSpent(state, limits.maxBackgroundMs)) return { to: "paused", cause: "background_limit" };
  if (state.status === "paused") return { to: "running", cause: state.waiting.length > 0 ? "message" : "resume" };
  if (recovering) return { to: "running", cause: "recovery" };
  return { to: "running", cause: state.turn === null ? "message" : "detach" };
}

function causeOfGoingOn({ status }: SessionState, attached: boolean): StatusStep["cause"] {
  if (attached) return "attach";
  // Nobody came: the work without a client is done.
  return status === "paused" ? "resume" : "end";
}

/** `continue`, or a message whose sender does not stay. */
const goesOnAlone = (state: SessionState): boolean =>
  state.onDisconnect === "continue" ||
  state.turn?.unattended === true ||
  state.waiting.some((message) => message.unattended);

/** The work since the last client left has used up what it may. */
export const isBackgroundSpent = (state: SessionState, maxBackgroundMs: number): boolean =>
  state.backgroundSpent || (state.status === "running" && state.backgroundMs >= maxBackgroundMs);
