import type { Clock } from "../../src/ports/clock.ts";

export type VirtualClock = Clock & {
  /** Lets time pass; timers and sleeps that are due go off in their order. */
  advance(ms: number): void;
  /** Every sleep that was begun, in milliseconds. */
  readonly slept: number[];
  /** Timers and sleeps that are not due yet. */
  pending(): number;
};

/**
 * Time that passes only when a test says so. With `sleepsPass` a sleep takes no real time: the clock jumps over it.
 * `random` is what the clock's chance always says.
 */
export function createVirtualClock(
  options: { startMs?: number; random?: number; sleepsPass?: boolean } = {},
): VirtualClock {
  let elapsedMs = 0;
  let count = 0;
  const slept: number[] = [];
  const timers = new Set<{ dueMs: number; order: number; fire(): void }>();

  const after = (ms: number, callback: () => void): (() => void) => {
    count += 1;
    const timer = { dueMs: elapsedMs + Math.max(0, ms), order: count, fire: callback };
    timers.add(timer);
    return () => timers.delete(timer);
  };
  const advance = (ms: number): void => {
    const untilMs = elapsedMs + ms;
    for (;;) {
      const due = [...timers].filter((timer) => timer.dueMs <= untilMs);
      const next = due.toSorted((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
      if (next === undefined) break;
      timers.delete(next);
      elapsedMs = Math.max(elapsedMs, next.dueMs);
      next.fire();
    }
    elapsedMs = untilMs;
  };
  return {
    slept,
    pending: () => timers.size,
    advance,
    after,
    now: () => (options.startMs ?? Date.UTC(2026, 0, 1)) + elapsedMs,
    monotonic: () => elapsedMs,
    random: () => options.random ?? 0.5,
    ulid() {
      count += 1;
      return `01J${String(count).padStart(23, "0")}`;
    },
    async sleep(ms, signal) {
      signal?.throwIfAborted();
      slept.push(ms);
      if (options.sleepsPass === true) {
        advance(ms);
        return;
      }
      await new Promise<void>((resolve) => {
        const cancel = after(ms, resolve);
        signal?.addEventListener("abort", () => {
          cancel();
          resolve();
        });
      });
      signal?.throwIfAborted();
    },
  };
}
