import type { Clock } from "../../src/ports/clock.ts";
import type { RateCounters } from "../../src/ports/rate-counters.ts";

/** Counters whose windows pass with a test's clock. */
export function clockedCounters(clock: Clock): RateCounters {
  const windows = new Map<string, { endsMs: number; count: number }>();
  const current = (key: string, ms: number) => {
    const known = windows.get(key);
    if (known && known.endsMs > clock.monotonic()) return known;
    const fresh = { endsMs: clock.monotonic() + ms, count: 0 };
    windows.set(key, fresh);
    return fresh;
  };
  return {
    async take(key, { ms, limit }, count) {
      const window = current(key, ms);
      const taken = window.count + count <= limit;
      if (taken) window.count += count;
      return { taken, resetMs: window.endsMs - clock.monotonic() };
    },
    async correct(key, windowMs, by) {
      const window = current(key, windowMs);
      window.count = Math.max(0, window.count + by);
    },
  };
}
