/** Counts by key in windows of time that begin with their first count; what a pool of workers would share. */
export interface RateCounters {
  /** Counts `count` more if the window then holds at most `limit`. `resetMs`: until the window ends. */
  take(key: string, window: { ms: number; limit: number }, count: number): Promise<{ taken: boolean; resetMs: number }>;
  /** Sets right what was taken: `by` may be negative. Of no effect when the window is over. */
  correct(key: string, windowMs: number, by: number): Promise<void>;
}
