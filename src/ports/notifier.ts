import type { SessionId } from "../schema/ids.ts";

/** A message from a session to a channel of `notify:`. `requestId` is the same whenever it is tried again. */
export type Notification = {
  requestId: string;
  sessionId: SessionId;
  agent: string;
  kind: string;
  content: string;
  /** RFC 3339: when it entered the outbox. */
  createdAt: string;
  /** The question that an announcement is about, as `POST …/approve` wants it answered. */
  approval?: { approvalId: string; callId: string; toolName: string; command: string; expiresAt?: string };
};

/** `refused`: trying again would change nothing. Details name no address and no secret. */
export type Notified = { kind: "sent" } | { kind: "failed"; detail: string } | { kind: "refused"; detail: string };

/** Hands messages to people outside of any session: one try each, at most 10 s. Throws only when the signal fires. */
export interface Notifier {
  notify(channel: string, notification: Notification, signal: AbortSignal): Promise<Notified>;
}
