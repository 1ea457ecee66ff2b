const firstBackoffMs = 250;
const backoffMaxMs = 10_000;

/** How long to wait before the n-th new try: doubles up to 10 s, with full jitter so that clients do not come together. */
export function backoffMs(attempt: number): number {
  const ceiling = Math.min(backoffMaxMs, firstBackoffMs * 2 ** (attempt - 1));
  return Math.ceil(ceiling * Math.random());
}

/** Resolves after `ms`, or when the signal fires. */
export function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", done);
  });
}

/** Passes items on; calls `onSilence` once when none has come for `idleMs`. */
export async function* withIdleLimit<Item>(
  items: AsyncIterable<Item>,
  idleMs: number,
  onSilence: () => void,
): AsyncGenerator<Item> {
  let timer = setTimeout(onSilence, idleMs);
  try {
    for await (const item of items) {
      clearTimeout(timer);
      yield item;
      timer = setTimeout(onSilence, idleMs);
    }
  } finally {
    clearTimeout(timer);
  }
}
