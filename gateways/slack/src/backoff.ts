const firstMs = 1_000;
const maxMs = 30_000;

/** How long to wait after so many failures in a row: 1 s doubling to 30 s, and up to a quarter more by chance. */
export function backoffMs(failures: number): number {
  return Math.min(firstMs * 2 ** Math.max(0, failures - 1), maxMs) * (1 + Math.random() / 4);
}

/** Resolves after `waitMs`, or at once when `signal` fires. */
export async function pause(waitMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  const stop = (): void => resolve();
  const timer = setTimeout(resolve, waitMs);
  signal.addEventListener("abort", stop, { once: true });
  await promise;
  clearTimeout(timer);
  signal.removeEventListener("abort", stop);
}
