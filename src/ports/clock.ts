/** Time, chance and identifiers, so that a whole server can be simulated. */
export interface Clock {
  /** Milliseconds since 1970, as the wall clock has it. */
  now(): number;
  /** Milliseconds that never go back. */
  monotonic(): number;
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls back once after `ms`; the answer cancels it. Does not keep the process alive. */
  after(ms: number, callback: () => void): () => void;
  /** In [0, 1). */
  random(): number;
  /** A ULID of now: 26 characters, monotonic within a process. */
  ulid(): string;
}
