import type { Clock } from "../../../ports/clock.ts";
import type { Lease } from "../../../ports/session-store.ts";
import type { SessionId } from "../../../schema/ids.ts";

type Row = {
  /** The lease's holder, if there is one. */
  holder: { owner: string; lease: Lease; lost: AbortController } | null;
  wake: number;
  /** Something has come that nobody has looked at yet. */
  runnable: boolean;
  /** When the session wants to run next, ms since 1970. */
  wakeAt: number | null;
};

/** Who runs which session in a store that has one process: a lease ends when it is released or taken away, not by time. */
export class Leases {
  readonly #rows = new Map<SessionId, Row>();
  /** Sessions with `runnable` or a `wakeAt`, so that `claim` does not walk over all of them. */
  readonly #candidates = new Set<SessionId>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  owner(id: SessionId): string | undefined {
    return this.#rows.get(id)?.holder?.owner;
  }

  /** Whether this very lease still gives the right to write. */
  holds(lease: Lease): boolean {
    return this.#rows.get(lease.sessionId)?.holder?.lease === lease;
  }

  grant(id: SessionId, owner: string, facts: Pick<Lease, "epoch" | "head" | "previous" | "fruitlessOpens">): Lease {
    const row = this.#row(id);
    const lost = new AbortController();
    const lease: Lease = { sessionId: id, wake: row.wake, signal: lost.signal, ...facts };
    row.holder = { owner, lease, lost };
    row.runnable = false;
    row.wakeAt = null;
    this.#candidates.delete(id);
    return lease;
  }

  release(lease: Lease, wakeAt: number | null): void {
    const row = this.#row(lease.sessionId);
    row.holder = null;
    row.wakeAt = wakeAt;
    if (wakeAt !== null) this.#candidates.add(lease.sessionId);
    else this.#dropIfAsleep(lease.sessionId, row);
  }

  /** Takes the lease away from whoever holds it: what is written under it from now on is fenced. */
  revoke(id: SessionId, reason: Error): void {
    const row = this.#rows.get(id);
    const holder = row?.holder;
    if (!row || !holder) return;
    row.holder = null;
    holder.lost.abort(reason);
  }

  wakeOf(id: SessionId): number {
    return this.#rows.get(id)?.wake ?? 0;
  }

  /** Something came for the session: a release on what was seen before fails, and without a holder it can be claimed. */
  wakeUp(id: SessionId): void {
    const row = this.#row(id);
    row.wake += 1;
    if (!row.holder) this.#setRunnable(id, row);
  }

  /** At the start: work may have been left open, or is due at `wakeAt`. */
  restore(id: SessionId, wakeAt: number | "now"): void {
    const row = this.#row(id);
    if (wakeAt === "now") this.#setRunnable(id, row);
    else {
      row.wakeAt = wakeAt;
      this.#candidates.add(id);
    }
  }

  /** What a snapshot has to remember so that the next start knows when to run the session. */
  due(id: SessionId): number | "now" | null {
    const row = this.#rows.get(id);
    if (!row) return null;
    return row.holder || row.runnable ? "now" : row.wakeAt;
  }

  /** It can not be run now: not offered again before something new comes. */
  setAside(id: SessionId): void {
    const row = this.#rows.get(id);
    if (!row) return;
    row.runnable = false;
    row.wakeAt = null;
    this.#dropIfAsleep(id, row);
  }

  claim(max: number): SessionId[] {
    const claimed: SessionId[] = [];
    const nowMs = this.#clock.now();
    for (const id of this.#candidates) {
      if (claimed.length >= max) break;
      const row = this.#rows.get(id);
      if (!row || row.holder) continue;
      if (row.runnable || (row.wakeAt !== null && row.wakeAt <= nowMs)) claimed.push(id);
    }
    return claimed;
  }

  forget(id: SessionId, reason: Error): void {
    this.revoke(id, reason);
    this.#rows.delete(id);
    this.#candidates.delete(id);
  }

  close(reason: Error): void {
    for (const id of this.#rows.keys()) this.revoke(id, reason);
  }

  #row(id: SessionId): Row {
    let row = this.#rows.get(id);
    if (!row) {
      row = { holder: null, wake: 0, runnable: false, wakeAt: null };
      this.#rows.set(id, row);
    }
    return row;
  }

  #setRunnable(id: SessionId, row: Row): void {
    row.runnable = true;
    this.#candidates.add(id);
  }

  // The wake counter has to outlive a lease, so the row stays; it is a hundred bytes.
  #dropIfAsleep(id: SessionId, row: Row): void {
    if (!row.runnable && row.wakeAt === null) this.#candidates.delete(id);
  }
}
