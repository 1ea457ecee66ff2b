import type { Clock } from "../../../ports/clock.ts";

const windowMs = 60_000;
const failuresMax = 10;
// Bounds memory under a flood from many addresses; the oldest window is forgotten first.
const peersMax = 10_000;

/** Wrong tokens by peer: ten in a minute, and the peer waits for the minute to end. */
export class FailedAttempts {
  private readonly peers = new Map<string, { count: number; startedAtMs: number }>();
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Milliseconds until this peer may try again; 0: now. */
  waitMs(peer: string): number {
    const seen = this.peers.get(peer);
    if (!seen) return 0;
    const leftMs = seen.startedAtMs + windowMs - this.clock.monotonic();
    if (leftMs <= 0) {
      this.peers.delete(peer);
      return 0;
    }
    return seen.count >= failuresMax ? leftMs : 0;
  }

  add(peer: string): void {
    const seen = this.peers.get(peer);
    if (seen && seen.startedAtMs + windowMs > this.clock.monotonic()) {
      seen.count += 1;
      return;
    }
    this.peers.delete(peer);
    if (this.peers.size >= peersMax) {
      const oldest = this.peers.keys().next();
      if (!oldest.done) this.peers.delete(oldest.value);
    }
    this.peers.set(peer, { count: 1, startedAtMs: this.clock.monotonic() });
  }
}
