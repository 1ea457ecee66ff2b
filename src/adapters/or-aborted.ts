/** Stops waiting when the signal says so; rejects with its reason. */
export async function orAborted<Value>(wanted: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => reject(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([wanted, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
