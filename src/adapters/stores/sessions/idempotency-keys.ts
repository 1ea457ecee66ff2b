import type { SessionEvent } from "../../../schema/session-event.ts";
import { keyOf } from "./place-events.ts";

/** For how long a session remembers a key, and how many of the newest. */
export const keyAgeMsMax = 24 * 60 * 60 * 1000;
export const keyCountMax = 1000;

/** `[key, seq of the first event with it, its time in ms since 1970]`. */
export type KeyEntry = [key: string, seq: number, atMs: number];

/** The idempotency keys that a session still remembers, oldest first. */
export class IdempotencyKeys {
  readonly #entries = new Map<string, { seq: number; atMs: number }>();

  constructor(entries: readonly KeyEntry[] = []) {
    for (const [key, seq, atMs] of entries) this.#entries.set(key, { seq, atMs });
  }

  /** `seq` of the first event with the key, if it is still remembered. */
  find(key: string, nowMs: number): number | undefined {
    const entry = this.#entries.get(key);
    return entry && nowMs - entry.atMs < keyAgeMsMax ? entry.seq : undefined;
  }

  note(event: SessionEvent): void {
    const key = keyOf(event);
    if (key === undefined) return;
    const atMs = Date.parse(event.timestamp);
    const known = this.#entries.get(key);
    if (known && atMs - known.atMs < keyAgeMsMax) return;
    this.#entries.delete(key);
    this.#entries.set(key, { seq: event.seq, atMs });
    if (this.#entries.size > keyCountMax) {
      const [oldest] = this.#entries.keys();
      if (oldest !== undefined) this.#entries.delete(oldest);
    }
  }

  /** Forgets what came after `seq`: those events are not in the log. */
  forgetAfter(seq: number): void {
    for (const [key, entry] of this.#entries) if (entry.seq > seq) this.#entries.delete(key);
  }

  kept(nowMs: number): KeyEntry[] {
    const kept: KeyEntry[] = [];
    for (const [key, { seq, atMs }] of this.#entries) if (nowMs - atMs < keyAgeMsMax) kept.push([key, seq, atMs]);
    return kept;
  }
}
