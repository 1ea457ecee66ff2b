import type { Budget } from "../domain/limits/budgets.ts";
import type { SessionProblem } from "../ports/session-store.ts";
import { pendingCall, type SessionState } from "../domain/session/state.ts";
import type { SessionId } from "../schema/ids.ts";
import type { Activity, BudgetView, PendingApproval, SessionView } from "./runtime.ts";

type Seen = {
  activity: Activity;
  attachedClients: number;
  problem: SessionProblem | undefined;
  budgets?: readonly Budget[];
  toolProblems?: readonly string[];
  /** What *always allow* would keep for the call that waits. */
  always?: string[] | undefined;
};

/** What is told about a session, from its durable state. */
export function viewOf(id: SessionId, state: SessionState, seen: Seen): SessionView {
  return {
    sessionId: id,
    agent: state.agent,
    status: state.status,
    activity: seen.activity,
    onDisconnect: state.onDisconnect,
    createdAt: state.createdAt,
    updatedAt: state.updatedAt,
    lastSeq: state.seq,
    ...(state.title === undefined ? {} : { title: state.title }),
    usage: state.usage,
    ...(state.labels === undefined ? {} : { labels: state.labels }),
    ...(state.gateway ? { gateway: state.gateway } : {}),
    ...(seen.problem === undefined ? {} : { problem: seen.problem }),
    pendingApprovals: approvalsOf(state, seen.always),
    attachedClients: seen.attachedClients,
    ...(seen.budgets === undefined ? {} : { budgets: seen.budgets.map(budgetView) }),
    ...(seen.toolProblems?.length ? { toolProblems: seen.toolProblems } : {}),
    ...waitingFor(state, seen.activity),
  };
}

function budgetView({ scope, level, limit, spent, unit }: Budget): BudgetView {
  const name = level.kind === "server" ? {} : { name: level.name };
  return { scope, level: level.kind, ...name, limit, spent, unit };
}

function approvalsOf(state: SessionState, always: string[] | undefined): PendingApproval[] {
  const pending = pendingCall(state);
  if (!pending) return [];
  const { question, call } = pending;
  return [
    {
      approvalId: question.approvalId,
      callId: call.call_id,
      toolName: call.tool_name,
      command: question.command,
      ...(question.requesterId === undefined ? {} : { requesterId: question.requesterId }),
      requestedAt: question.requestedAt,
      ...(question.expiresAt === null ? {} : { expiresAt: new Date(question.expiresAt).toISOString() }),
      ...(always === undefined ? {} : { always }),
    },
  ];
}

function waitingFor(state: SessionState, activity: Activity): { waitingFor?: string } {
  if (state.status === "paused") return { waitingFor: state.pauseAsked ? "resume" : "client" };
  if (activity === "awaiting_approval") return { waitingFor: "approval" };
  if (activity === "backing_off") return { waitingFor: "backing_off" };
  if (!state.turn && state.waiting.length > 0) return { waitingFor: "debounce" };
  return {};
}
