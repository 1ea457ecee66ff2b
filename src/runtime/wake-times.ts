import type { Clock } from "../ports/clock.ts";
import type { SessionId } from "../schema/ids.ts";

/** When sleeping sessions want to run next: a number each, and one timer for all. */
export class WakeTimes {
  private readonly times = new Map<SessionId, number>();
  private readonly clock: Clock;
  private readonly onDue: (id: SessionId) => void;
  private armedAt: number | null = null;
  private cancel: () => void = () => undefined;

  constructor(clock: Clock, onDue: (id: SessionId) => void) {
    this.clock = clock;
    this.onDue = onDue;
  }

  /** `null`: the session waits for something that comes to it. */
  set(id: SessionId, at: number | null): void {
    if (at === null) {
      this.times.delete(id);
      return;
    }
    this.times.set(id, at);
    if (this.armedAt === null || at < this.armedAt) this.arm(at);
  }

  stop(): void {
    this.cancel();
    this.times.clear();
    this.armedAt = null;
  }

  private arm(at: number): void {
    this.cancel();
    this.armedAt = at;
    // A timer holds at most 2^31 ms; an early wake-up finds nothing due and arms the next.
    const delayMs = Math.min(Math.max(0, at - this.clock.now()), 2_000_000_000);
    this.cancel = this.clock.after(delayMs, () => this.fire());
  }

  private fire(): void {
    this.armedAt = null;
    const now = this.clock.now();
    const due = [...this.times].filter(([, at]) => at <= now).map(([id]) => id);
    for (const id of due) this.times.delete(id);
    let next: number | null = null;
    for (const at of this.times.values()) if (next === null || at < next) next = at;
    if (next !== null) this.arm(next);
    for (const id of due) this.onDue(id);
  }
}
