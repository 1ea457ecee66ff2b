import type { MessageId, SessionId } from "../schema/ids.ts";
import type {
  ApprovalChoice,
  Delivery,
  OnDisconnect,
  SessionEvent,
  SessionStatus,
  Usage,
} from "../schema/session-event.ts";
import type { SessionProblem, RepairReport, VerifyReport } from "../ports/session-store.ts";

// What the surfaces see of the runtime. Every method that can not do what it is asked throws a DuragentError
// with a code of schema/problem.ts; every promise that resolves speaks of durable events only.

/** What a session does right now. */
export type Activity = "idle" | "working" | "awaiting_approval" | "backing_off";

export type PendingApproval = {
  approvalId: string;
  callId: string;
  toolName: string;
  command: string;
  requesterId?: string;
  requestedAt: string;
  expiresAt?: string;
  /** What *always allow* would keep, a pattern each; empty: nothing, the call can only be allowed once. */
  always?: string[];
};

/** A budget and what has been spent of it: US dollars, or tokens for that of a turn. */
export type BudgetView = {
  scope: "session" | "day" | "turn";
  level: "agent" | "provider" | "server";
  /** Of the agent or provider. */
  name?: string;
  limit: number;
  spent: number;
  unit: "usd" | "tokens";
};

export type SessionView = {
  sessionId: SessionId;
  agent: string;
  status: SessionStatus;
  activity: Activity;
  onDisconnect: OnDisconnect;
  createdAt: string;
  updatedAt: string;
  lastSeq: number;
  title?: string;
  usage: Usage;
  labels?: Record<string, string>;
  /** The chat that it belongs to, if it belongs to one. */
  gateway?: { readonly name: string; readonly chatId: string; readonly chatType: "dm" | "group" };
  problem?: SessionProblem;
  pendingApprovals: PendingApproval[];
  attachedClients: number;
  /** Every budget that holds for the session; absent in lists. */
  budgets?: readonly BudgetView[];
  /** What is wrong with the agent's tools, as far as they were looked for; absent in lists. */
  toolProblems?: readonly string[];
  /** Why a message waits, if one does: `paused`, `approval`, `debounce`, `backing_off`. */
  waitingFor?: string;
};

export type SessionQuery = {
  status?: SessionStatus;
  agent?: string;
  labels?: Record<string, string>;
  limit: number;
  cursor?: string;
};

export type CreateSession = {
  agent?: string;
  agentSpec?: unknown;
  onDisconnect?: OnDisconnect;
  labels?: Record<string, string>;
  sessionId?: SessionId;
  idempotencyKey?: string;
  /** The chat that it belongs to. `chatType`: `dm` or `group`. */
  gateway?: { name: string; chatId: string; chatType: "dm" | "group" };
};

export type SendMessage = {
  content: string;
  delivery?: Delivery;
  senderId?: string;
  senderName?: string;
  source: string;
  unattended?: boolean;
  mayDecide?: boolean;
  idempotencyKey?: string;
  traceId?: string;
  /** RFC 3339: the turn that takes it in does not start before (debounce). */
  notBefore?: string;
  /** Of a gateway: the platform's id of the message, and the thread it stands in. */
  gatewayMessageId?: string;
  threadId?: string;
};

/** A message that starts no turn. `context`: said in a group without addressing the agent. */
export type SendSilent = {
  content: string;
  senderId: string;
  senderName?: string;
  disposition: "passive" | "silent";
  context?: boolean;
  idempotencyKey?: string;
};

export type Sent = { messageId: MessageId; seq: number; repeated: boolean };

/** What became of a message (or of an approved call): of the turn that took it in. */
export type Answer =
  | {
      kind: "ended";
      turnId: string;
      messageId: string;
      content: string;
      usage: Usage;
      outcome: "completed" | "limit_reached" | "cancelled";
      finishReason?: string;
    }
  | { kind: "failed"; turnId: string; error: { code: string; message: string; retryable: boolean } }
  | { kind: "pending_approval"; callId: string; command: string; approvalId: string }
  /** The turn goes on, or waits, without the caller. */
  | { kind: "open"; turnId?: string; status: "running" | "paused" }
  | { kind: "dropped"; reason: string }
  | { kind: "session_ended" };

export type Decide = {
  callId: string;
  approvalId?: string;
  decision: ApprovalChoice;
  command?: string;
  decidedBy: string;
  /** Whether `decidedBy` may decide what others asked for; default: yes. Else only the requester may (`forbidden`). */
  mayDecide?: boolean;
  reason?: string;
  idempotencyKey?: string;
};

/** Where a stream stands: the last durable `seq` sent and, inside a running response, the text offset (UTF-16 units) and the call's short id. */
export type Cursor = { seq: number; offset?: number; call?: string };

/** One thing a stream sends. `wire` is the whole SSE block of `GET …/events`, made once for all readers. */
export type StreamFrame =
  | { kind: "durable"; id: string; event: SessionEvent; wire: Uint8Array }
  | {
      kind: "live";
      id?: string;
      name: "token" | "token_reset" | "thinking" | "tool_output" | "activity";
      data: Record<string, unknown>;
      wire: Uint8Array;
    };

/**
 * A position in a session's log and in what runs now; it has no queue, so a slow reader costs nothing.
 * Durable events come once, in order; a live frame only after every durable event before it.
 */
export interface SessionReader {
  /** Frames past the position, at most `maxBytes` or so; empty when there is nothing new. Moves the position. */
  take(maxBytes: number): Promise<StreamFrame[]>;
  /** Resolves when `take` may have something, or the signal fires. */
  wait(signal: AbortSignal): Promise<void>;
  /** `seq` of the last durable event that was taken. */
  readonly position: number;
  /** The log holds nothing more and never will. */
  readonly finished: boolean;
  close(): void;
}

/** Holds a client attached until `leave`; `expiresAt` is ms since 1970 for those that poll. */
export type Attachment = { clientId: string; expiresAt: number | null; leave(): Promise<void> };

export interface Sessions {
  /** Counts a request of a client that is to change something. Throws `rate-limited`. */
  admitClient(client: string): Promise<void>;
  /** Throws `rate-limited` where a message of this sender would be refused now, before anything is done for it. */
  checkSender(id: SessionId, sender: string | undefined): Promise<void>;
  /** `created: false`: the idempotency key had made it before. */
  create(command: CreateSession): Promise<{ session: SessionView; created: boolean }>;
  get(id: SessionId): Promise<SessionView>;
  list(query: SessionQuery): Promise<{ sessions: SessionView[]; nextCursor?: string }>;
  send(id: SessionId, command: SendMessage): Promise<Sent>;
  sendSilent(id: SessionId, command: SendSilent): Promise<Sent>;
  /** Waits for the turn that takes `messageId` in: its end, a question, a pause, or `timeoutMs` (then `open`). */
  answer(id: SessionId, messageId: MessageId, options: { timeoutMs: number; signal: AbortSignal }): Promise<Answer>;
  /** `notKept`: why `allow_always` holds for this once only. */
  decide(id: SessionId, command: Decide): Promise<{ repeated: boolean; approvalId: string; notKept?: string }>;
  /** As `answer`, for the turn that goes on after an approval was decided. */
  answerDecision(
    id: SessionId,
    approvalId: string,
    options: { timeoutMs: number; signal: AbortSignal },
  ): Promise<Answer>;
  control(
    id: SessionId,
    command: {
      action: "cancel" | "pause" | "resume" | "end";
      by: string;
      reason?: string;
      attached: boolean;
      idempotencyKey?: string;
    },
  ): Promise<SessionView>;
  /** Without `ttlMs` the attachment lives until `leave`. */
  attach(id: SessionId, options: { clientId?: string; ttlMs?: number }): Promise<Attachment>;
  detach(id: SessionId, clientId: string): Promise<void>;
  /** From `from` on; `now`: only what comes next. Throws `bad-request` for a cursor in the future. */
  reader(id: SessionId, from: Cursor | "now"): Promise<SessionReader>;
  events(
    id: SessionId,
    options: { after: number; limit: number; backwards?: boolean },
  ): Promise<{ events: SessionEvent[]; lastSeq: number }>;
  /** User messages and answers, oldest first; `before` is a seq. */
  messages(
    id: SessionId,
    options: { limit?: number; before?: number },
  ): Promise<
    {
      role: "user" | "assistant";
      content: string;
      message_id: string;
      seq: number;
      timestamp: string;
      turn_id?: string;
      sender_name?: string;
    }[]
  >;
  fork(
    id: SessionId,
    options: { atSeq?: number; idempotencyKey?: string },
  ): Promise<{ session: SessionView; created: boolean }>;
  delete(id: SessionId): Promise<void>;
  exportLog(id: SessionId): AsyncIterable<Uint8Array>;
  verify(id: SessionId): Promise<VerifyReport>;
  repair(id: SessionId, options: { apply: boolean; reseal: boolean }): Promise<RepairReport>;
}
