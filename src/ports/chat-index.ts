import type { SessionId } from "../schema/ids.ts";

/** A platform's chat, as a configured gateway names it. */
export type Chat = { readonly gateway: string; readonly chatId: string };

/** That a platform's message was taken in, or dropped. `key` is the `idempotency_key` of the event that records it. */
export type SeenMessage = {
  readonly key: string;
  readonly chat: Chat;
  /** ms since 1970. */
  readonly atMs: number;
  /** The event that records it. */
  readonly event?: { readonly sessionId: SessionId; readonly seq: number };
  /** Why it is in no session. */
  readonly dropped?: string;
};

/**
 * Which messages of which chats have come before: over all sessions of a chat, also those that have ended or were deleted,
 * for 7 days and the newest 500,000 of a gateway. What stands in logs can be computed from them again.
 */
export interface ChatIndex {
  has(chat: Chat, key: string): boolean;
  /** The highest `seq` of a session's events that it knows of: what came later has to be read from the log. */
  through(sessionId: SessionId): number;
  /** After the event is durable. Survives a `kill -9` when it resolves; see `sync`. */
  note(seen: readonly SeenMessage[]): Promise<void>;
  /** Makes what was noted durable: before a log goes that it could be computed from. */
  sync(gateway: string): Promise<void>;
  close(): Promise<void>;
}
