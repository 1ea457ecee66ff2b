import type { Limits } from "../../schema/limits.ts";
import { retryDefaults, type RetryLimits } from "./backoff.ts";
import type { PriceOverrides } from "./price.ts";

/** What one level (an agent, a provider, the server) says about tries and prices. */
export type ModelLimits = Pick<Limits, "retry" | "prices">;

/** The most specific level first; a level that says nothing is `undefined`. */
type Levels = readonly (ModelLimits | undefined)[];

/** The fewest tries that any level allows; how long to wait is what the most specific level says. */
export function retryOf(levels: Levels): RetryLimits {
  const written = levels.flatMap((level) => level?.retry ?? []);
  const attempts = written.flatMap(({ max_attempts }) => max_attempts ?? []);
  const first = (key: "base_delay_ms" | "max_delay_ms"): number | undefined =>
    written.map((retry) => retry[key]).find((ms) => ms !== undefined);
  return {
    maxAttempts: attempts.length === 0 ? retryDefaults.maxAttempts : Math.min(...attempts),
    baseDelayMs: first("base_delay_ms") ?? retryDefaults.baseDelayMs,
    maxDelayMs: first("max_delay_ms") ?? retryDefaults.maxDelayMs,
  };
}

/** The prices of all levels; of two for one model the more specific level's. */
export function pricesOf(levels: Levels): PriceOverrides {
  return Object.fromEntries(levels.toReversed().flatMap((level) => Object.entries(level?.prices ?? {})));
}
