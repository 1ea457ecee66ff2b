/** Looks again at every turn of the event loop until it holds; fails after `ms` with what was waited for. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const tooLong = AbortSignal.timeout(ms);
  while (!(await holds())) {
    if (tooLong.aborted) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise(setImmediate);
  }
}
