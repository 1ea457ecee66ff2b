import type { SessionId } from "../schema/ids.ts";

export type SiblingSession = {
  sessionId: SessionId;
  status: string;
  activity: string;
  title?: string;
  /** RFC 3339. */
  updatedAt: string;
};

export type EndedProcess = {
  handle: string;
  callId: string;
  pid?: number;
  startedAt: string;
  /** `process_started` is in the log: where the log has it no longer as running, its end was told before, however long ago. */
  startRecorded: boolean;
  /** Absent where it is not known: lost, or killed by a signal. */
  exitCode?: number;
  /** What the session is told, as a message from `process:HANDLE`. Absent where the call that started it tells itself. */
  message?: string;
};

/** What tools may do with sessions, their own agent's and no others'. */
export interface AgentSessions {
  /** Not the ended ones; most recently used first. */
  list(agent: string, limit: number): Promise<SiblingSession[]>;
  /** Durable once this resolves. Throws `session-not-found` (also for another agent's), `session-ended`, `rate-limited`. */
  send(
    to: SessionId,
    message: { agent: string; from: SessionId; content: string; idempotencyKey: string },
  ): Promise<{ messageId: string }>;
  /**
   * Records `process_ended` and wakes the session with the message; both durable once this resolves. Again for the same handle:
   * nothing new. A session that has ended, or is gone, is no error.
   */
  processEnded(sessionId: SessionId, process: EndedProcess): Promise<void>;
  /** A message about a process that still runs (`watch`). The same `idempotencyKey` again: nothing new. */
  processSays(sessionId: SessionId, note: { handle: string; content: string; idempotencyKey: string }): Promise<void>;
}
