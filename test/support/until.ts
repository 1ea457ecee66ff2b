import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";

/** What holds after some work of this process is seen at once; what another process does takes longer. */
const turns = 100;
// Whoever looks all the time takes the processor from the process that it waits for.
const pauseMs = 2;

/** Looks until it holds: at every turn of the event loop first, then every 2 ms. Fails after `ms` with what was waited for. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 15_000): Promise<void> {
  const tooLong = AbortSignal.timeout(ms);
  for (let looks = 1; !(await holds()); looks += 1) {
    if (tooLong.aborted) throw new Error(`${what}: not within ${ms} ms`);
    if (looks < turns) await turn();
    else await pause(pauseMs);
  }
}
