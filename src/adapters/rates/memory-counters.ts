import { LRUCache } from "lru-cache";
import type { RateLimiterMemory } from "rate-limiter-flexible";

import type { RateCounters } from "../../ports/rate-counters.ts";

/** Keys that are counted at once; under a flood of new ones the oldest is forgotten first. */
const keysMax = 100_000;

/** Counters of this process: a restart begins anew. */
export function createMemoryCounters(): RateCounters {
  const limiters = new Map<number, Promise<RateLimiterMemory>>();
  const keys = new LRUCache<string, number>({
    // By size and not by `max`, for which it would take 3 MiB at once.
    maxSize: keysMax,
    sizeCalculation: () => 1,
    dispose: (windowMs, key, reason) => {
      if (reason === "evict") void limiters.get(windowMs)?.then((limiter) => limiter.delete(key));
    },
  });
  // Loaded when a limit is first held: most servers have none.
  const make = async (windowMs: number): Promise<RateLimiterMemory> => {
    const { RateLimiterMemory: Memory } = await import("rate-limiter-flexible");
    return new Memory({ points: Number.MAX_SAFE_INTEGER, duration: windowMs / 1000, keyPrefix: "" });
  };
  const limiterOf = (windowMs: number): Promise<RateLimiterMemory> => {
    const known = limiters.get(windowMs) ?? make(windowMs);
    limiters.set(windowMs, known);
    return known;
  };
  return {
    async take(key, { ms, limit }, count) {
      const limiter = await limiterOf(ms);
      keys.set(key, ms);
      const { consumedPoints, msBeforeNext } = await limiter.penalty(key, count);
      const taken = consumedPoints <= limit;
      if (!taken) await limiter.reward(key, count);
      return { taken, resetMs: msBeforeNext };
    },
    async correct(key, windowMs, by) {
      const limiter = await limiterOf(windowMs);
      const current = await limiter.get(key);
      if (current === null || by === 0) return;
      if (by > 0) await limiter.penalty(key, by);
      else await limiter.reward(key, Math.min(-by, current.consumedPoints));
    },
  };
}
