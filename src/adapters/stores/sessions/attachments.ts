import type { Clock } from "../../../ports/clock.ts";
import type { SessionId } from "../../../schema/ids.ts";

/** Clients attached to the sessions of one process: rows that die with the process, or at their time. */
export class Attachments {
  readonly #rows = new Map<SessionId, Map<string, number | null>>();
  readonly #clock: Clock;
  readonly #changed: (id: SessionId) => void;
  #timer: { atMs: number; cancel: () => void } | null = null;

  /** `changed` is called when a row comes, goes or expires, not when it is renewed. */
  constructor(clock: Clock, changed: (id: SessionId) => void) {
    this.#clock = clock;
    this.#changed = changed;
  }

  attach(id: SessionId, client: string, ttlMs: number | null): void {
    const rows = this.#rows.get(id) ?? new Map<string, number | null>();
    this.#rows.set(id, rows);
    const isNew = !rows.has(client);
    const expiresAt = ttlMs === null ? null : this.#clock.now() + ttlMs;
    rows.set(client, expiresAt);
    if (expiresAt !== null) this.#armFor(expiresAt);
    if (isNew) this.#changed(id);
  }

  leave(id: SessionId, client: string): void {
    const rows = this.#rows.get(id);
    if (!rows?.delete(client)) return;
    if (rows.size === 0) this.#rows.delete(id);
    this.#changed(id);
  }

  attached(id: SessionId): { count: number; expiresAt: number | null } {
    const nowMs = this.#clock.now();
    let count = 0;
    let expiresAt: number | null = null;
    for (const rowExpiresAt of this.#rows.get(id)?.values() ?? []) {
      if (rowExpiresAt !== null && rowExpiresAt <= nowMs) continue;
      count += 1;
      if (rowExpiresAt !== null) expiresAt = Math.min(expiresAt ?? rowExpiresAt, rowExpiresAt);
    }
    return { count, expiresAt };
  }

  forget(id: SessionId): void {
    this.#rows.delete(id);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#rows.clear();
  }

  #armFor(atMs: number): void {
    if (this.#timer && this.#timer.atMs <= atMs) return;
    this.#timer?.cancel();
    const cancel = this.#clock.after(Math.max(0, atMs - this.#clock.now()), () => this.#expire());
    this.#timer = { atMs, cancel };
  }

  #expire(): void {
    this.#timer = null;
    const nowMs = this.#clock.now();
    let nextMs: number | null = null;
    for (const [id, rows] of this.#rows) {
      let gone = false;
      for (const [client, expiresAt] of rows) {
        if (expiresAt === null) continue;
        if (expiresAt <= nowMs) gone = rows.delete(client) || gone;
        else nextMs = Math.min(nextMs ?? expiresAt, expiresAt);
      }
      if (rows.size === 0) this.#rows.delete(id);
      if (gone) this.#changed(id);
    }
    if (nextMs !== null) this.#armFor(nextMs);
  }
}
