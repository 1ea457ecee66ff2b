import type { SessionView } from "../../runtime/runtime.ts";
import type { SessionBody, SessionSummaryBody } from "../../schema/api/session.ts";

/** A session as a row of a list. */
export function sessionSummary(view: SessionView): SessionSummaryBody {
  return {
    session_id: view.sessionId,
    agent: view.agent,
    status: view.status,
    activity: view.activity,
    created_at: view.createdAt,
    updated_at: view.updatedAt,
    last_seq: view.lastSeq,
    ...(view.title === undefined ? {} : { title: view.title }),
    usage: view.usage,
    ...(view.labels === undefined ? {} : { labels: view.labels }),
    ...(view.gateway === undefined ? {} : { gateway: chatBody(view.gateway) }),
    ...(view.problem === undefined ? {} : { problem: view.problem }),
  };
}

const chatBody = ({ name, chatId, chatType }: NonNullable<SessionView["gateway"]>) => ({
  name,
  chat_id: chatId,
  chat_type: chatType,
});

/** A session by itself. */
export function sessionBody(view: SessionView): SessionBody {
  return {
    ...sessionSummary(view),
    on_disconnect: view.onDisconnect,
    pending_approvals: view.pendingApprovals.map((approval) => ({
      approval_id: approval.approvalId,
      call_id: approval.callId,
      tool_name: approval.toolName,
      command: approval.command,
      ...(approval.requesterId === undefined ? {} : { requester_id: approval.requesterId }),
      requested_at: approval.requestedAt,
      ...(approval.expiresAt === undefined ? {} : { expires_at: approval.expiresAt }),
      ...(approval.always === undefined ? {} : { always: approval.always }),
    })),
    attached_clients: view.attachedClients,
    ...(view.budgets === undefined ? {} : { budgets: [...view.budgets] }),
    ...(view.toolProblems === undefined ? {} : { tool_problems: [...view.toolProblems] }),
    ...(view.waitingFor === undefined ? {} : { waiting_for: view.waitingFor }),
  };
}
