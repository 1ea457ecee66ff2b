import type { ApprovalChoice, SessionEvent } from "../../../schema/session-event.ts";

/**
 * What a session's stream brings, durable and live, in order; and what becomes of the connection. `always`: what
 * *always allow* would keep for a question that waits (empty: nothing), where that is known.
 */
export type LinkItem =
  | { kind: "event"; event: SessionEvent; always?: readonly string[] | undefined }
  | { kind: "token"; messageId: string; content: string; offset: number }
  | { kind: "token_reset" }
  /** What the session does has changed. `reason`: why it waits; `problems`: what is wrong with the agent's tools. */
  | { kind: "activity"; reason?: string | undefined; problems: readonly string[] }
  /** The past has been shown. Comes again after every reconnection. */
  | { kind: "ready" }
  /** The connection is gone; it is tried again by itself. `mayStart`: its server is started again by us. */
  | { kind: "lost"; reason: string; mayStart: boolean }
  /** The server was stopped on purpose; it is waited for. `mayStart`: what is asked next starts one. */
  | { kind: "stopped"; mayStart: boolean }
  | { kind: "back" };

/** One session as a conversation needs it. Whatever can not be done throws, with a message for people. */
export interface SessionLink {
  readonly sessionId: string;
  /** Everything after `after`; ends with the session or the signal. While it is read the client is attached, unless `attach` is false. */
  items(options: { after: number; attach: boolean; signal: AbortSignal }): AsyncIterable<LinkItem>;
  /** Resolves once the message is durable; the same key is one message, also over a lost connection. */
  send(content: string, key: string, signal: AbortSignal): Promise<void>;
  /** Resolves once the turn has gone on to its end, or to another question. `notKept`: why `allow_always` holds for this once only. */
  decide(
    question: { approvalId: string; callId: string; command: string },
    decision: ApprovalChoice,
    reason?: string,
  ): Promise<{ notKept?: string }>;
  cancel(): Promise<void>;
  end(): Promise<void>;
}
