import type { SessionState } from "../../domain/session/state.ts";
import type { Chat, ChatIndex, SeenMessage } from "../../ports/chat-index.ts";
import type { SessionId } from "../../schema/ids.ts";
import { DuragentError } from "../../schema/problem.ts";
import type { SessionEvent } from "../../schema/session-event.ts";
import type { RuntimeParts } from "../parts.ts";
import { recentMs, type ChatSessions } from "./chat-sessions.ts";

/** Chats that are known to be up to date; of others it is found out again. */
const chatsMax = 10_000;

/**
 * Whether a chat's message has come before. The index is only a shortcut: what it may have missed, because a process or
 * a machine died before it was written, is read from the logs of the chat's sessions when the chat is first asked about.
 */
export class SeenMessages {
  private readonly parts: Pick<RuntimeParts, "store" | "clock" | "log"> & { chatIndex: ChatIndex };
  private readonly chats: Pick<ChatSessions, "recentOf" | "loaded">;
  private readonly upToDate = new Map<string, Promise<void>>();

  constructor(parts: SeenMessages["parts"], chats: SeenMessages["chats"]) {
    this.parts = parts;
    this.chats = chats;
  }

  /** `key` is the `idempotency_key` that its event has. Throws when the logs can not be read. */
  async has(chat: Chat, key: string): Promise<boolean> {
    await this.bringUpToDate(chat);
    return this.parts.chatIndex.has(chat, key);
  }

  /** After the events are durable, per chat in their order. Throws `storage-failed`, `storage-full`: then it is not known. */
  async note(seen: readonly SeenMessage[]): Promise<void> {
    try {
      await this.parts.chatIndex.note(seen);
    } catch (error) {
      // The next one would say of its session that all before it is in the index.
      for (const { chat } of seen) this.upToDate.delete(keyOf(chat));
      throw error;
    }
  }

  /** A log is to be removed: what it says about messages must outlive it. */
  async beforeDelete(id: SessionId, { gateway }: Pick<SessionState, "gateway">): Promise<void> {
    if (!gateway) return;
    const chat = { gateway: gateway.name, chatId: gateway.chatId };
    await this.read(id, chat);
    await this.parts.chatIndex.sync(chat.gateway);
  }

  private bringUpToDate(chat: Chat): Promise<void> {
    const key = keyOf(chat);
    const known = this.upToDate.get(key);
    if (known) return known;
    const reading = this.readAll(chat);
    this.upToDate.set(key, reading);
    reading.catch(() => {
      if (this.upToDate.get(key) === reading) this.upToDate.delete(key);
    });
    if (this.upToDate.size > chatsMax) {
      const [oldest] = this.upToDate.keys();
      if (oldest !== undefined) this.upToDate.delete(oldest);
    }
    return reading;
  }

  private async readAll(chat: Chat): Promise<void> {
    await this.chats.loaded();
    for (const id of this.chats.recentOf(chat)) await this.read(id, chat);
  }

  private async read(id: SessionId, chat: Chat): Promise<void> {
    const { store, chatIndex, clock, log } = this.parts;
    const sinceMs = clock.now() - recentMs;
    const found: SeenMessage[] = [];
    try {
      for await (const event of store.read(id, { after: chatIndex.through(id), backwards: true })) {
        const atMs = Date.parse(event.timestamp);
        if (atMs < sinceMs) break;
        const key = keyIn(event);
        if (key !== undefined) found.push({ key, chat, atMs, event: { sessionId: id, seq: event.seq } });
      }
    } catch (error) {
      if (!(error instanceof DuragentError) || !unreadable.has(error.code)) throw error;
      // Deleted meanwhile, or damaged: what can be read of it is all that there is.
      log.warn({ session_id: id, err: error }, "which messages a session has taken in could not be read whole");
    }
    if (found.length > 0) await chatIndex.note(found.toReversed());
  }
}

const unreadable: ReadonlySet<string> = new Set(["session-not-found", "session-ended", "session-corrupt"]);

const keyOf = ({ gateway, chatId }: Chat): string => JSON.stringify([gateway, chatId]);

function keyIn(event: SessionEvent): string | undefined {
  switch (event.type) {
    case "user_message":
    case "silent_message":
    case "control_requested":
    case "approval_decision":
      return event.idempotency_key;
    default:
      return undefined;
  }
}
