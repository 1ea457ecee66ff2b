/** How often and how patiently a model call is tried again. */
export type RetryLimits = {
  /** Tries of one model, the first included. */
  maxAttempts: number;
  /** The first wait is at most this long, each one after at most twice the one before. */
  baseDelayMs: number;
  maxDelayMs: number;
};

export const retryDefaults: RetryLimits = { maxAttempts: 5, baseDelayMs: 500, maxDelayMs: 60_000 };

/**
 * How long to wait after try number `attempt` (from 1) has failed, in whole milliseconds: exponential with full jitter
 * (https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/). What the provider asks for is waited for,
 * however long, with a little jitter on top: all who were told the same must not come back together. `random` is in [0, 1).
 */
export function backoffMs(
  failed: { attempt: number; retryAfterMs?: number | undefined; random: number },
  limits: RetryLimits,
): number {
  if (failed.retryAfterMs !== undefined) {
    return Math.ceil(failed.retryAfterMs + failed.random * Math.min(limits.baseDelayMs, limits.maxDelayMs));
  }
  const ceiling = Math.min(limits.maxDelayMs, limits.baseDelayMs * 2 ** (failed.attempt - 1));
  return Math.floor(failed.random * ceiling);
}
