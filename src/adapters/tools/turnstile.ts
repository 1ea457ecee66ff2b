/** Lets a bounded number in at once, of all sessions together; the others wait in their order. */
export class Turnstile {
  readonly #insideMax: number;
  #inside = 0;
  readonly #waiting = new Set<() => void>();

  constructor(insideMax: number) {
    this.#insideMax = insideMax;
  }

  /** Resolves once inside, with what leaves again: call it once. Rejects with the signal's reason when that fires before. */
  async enter(signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#inside < this.#insideMax) {
      this.#inside += 1;
      return this.#leave;
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const giveUp = (): void => {
      this.#waiting.delete(resolve);
      reject(signal?.reason);
    };
    this.#waiting.add(resolve);
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      await promise;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
    return this.#leave;
  }

  /** The place goes to who waits for longest. */
  readonly #leave = (): void => {
    const [next] = this.#waiting;
    if (next === undefined) this.#inside -= 1;
    else {
      this.#waiting.delete(next);
      next();
    }
  };
}
