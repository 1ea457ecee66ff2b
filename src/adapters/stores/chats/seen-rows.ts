import { hash } from "node:crypto";

import type { SeenMessage } from "../../../ports/chat-index.ts";
import type { SessionId } from "../../../schema/ids.ts";

export const seenAgeMsMax = 7 * 24 * 3_600_000;
export const seenCountMax = 500_000;

const minuteMs = 60_000;

/**
 * What one gateway's rows say, as memory holds it: some 50 bytes a message. A key stands as 52 bits of a digest: that another
 * message is taken for one that came before has a chance of 1 in 10,000 million with 500,000 kept.
 */
export class SeenRows {
  /** Minute since 1970, by digest; in the order of coming. */
  readonly #minutes = new Map<number, number>();
  readonly #through = new Map<SessionId, number>();
  readonly #countMax: number;

  constructor(countMax = seenCountMax) {
    this.#countMax = countMax;
  }

  get size(): number {
    return this.#minutes.size;
  }

  has(chatId: string, key: string, nowMs: number): boolean {
    const minute = this.#minutes.get(digestOf(chatId, key));
    return minute !== undefined && minute >= oldestMinute(nowMs);
  }

  /** The highest `seq` of a session's events that rows name. */
  through(id: SessionId): number {
    return this.#through.get(id) ?? 0;
  }

  /** Whether `note` would change anything. */
  isNews({ chat, key, event }: SeenMessage): boolean {
    return (
      !this.#minutes.has(digestOf(chat.chatId, key)) || (event ? event.seq > this.through(event.sessionId) : false)
    );
  }

  note({ chat, key, atMs, event }: SeenMessage): void {
    const digest = digestOf(chat.chatId, key);
    if (!this.#minutes.has(digest)) this.#minutes.set(digest, Math.floor(atMs / minuteMs));
    if (event && event.seq > this.through(event.sessionId)) this.#through.set(event.sessionId, event.seq);
    // Not one by one: a map is slow to find its first entry where many before it have been taken out.
    if (this.#minutes.size > this.#countMax * 1.05) this.#forget(this.#minutes.size - this.#countMax);
  }

  /** Lets go of what is too old. */
  prune(nowMs: number): void {
    const oldest = oldestMinute(nowMs);
    for (const [digest, minute] of this.#minutes) if (minute < oldest) this.#minutes.delete(digest);
    this.#forget(this.#minutes.size - this.#countMax);
  }

  #forget(count: number): void {
    let left = count;
    for (const digest of this.#minutes.keys()) {
      if (left <= 0) return;
      this.#minutes.delete(digest);
      left -= 1;
    }
  }
}

const oldestMinute = (nowMs: number): number => Math.floor((nowMs - seenAgeMsMax) / minuteMs);

function digestOf(chatId: string, key: string): number {
  const digest = hash("sha256", JSON.stringify([chatId, key]), "buffer");
  return digest.readUIntBE(0, 6) * 16 + ((digest[6] ?? 0) >> 4);
}
