import type { BackgroundProcesses, ProcessRecord } from "../../ports/background-processes.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ToolContext } from "../../ports/tool.ts";

const betweenLooksMs = 200;
const readBytes = 256 * 1024;

/** The server goes, or another takes the session up: the call is resumed there, so the process stays. */
const resumedAfter: ReadonlySet<unknown> = new Set(["drain", "lost"]);

type Parts = { processes: BackgroundProcesses; clock: Clock };

/**
 * Waits for a process's end on behalf of its call, and takes its output from the beginning as it comes. `null`: the call was
 * cancelled, and the process is gone with it.
 */
export async function followProcess(
  handle: string,
  { processes, clock }: Parts,
  { signal }: Pick<ToolContext, "signal">,
  take: (bytes: Uint8Array) => void,
): Promise<ProcessRecord | null> {
  let isOver = false;
  const over = untilEnded(handle, processes, signal).finally(() => (isOver = true));
  // Where its output can not be read, nobody asks any more how it ended.
  over.catch(() => undefined);
  for (let at = 0; ;) {
    const isLast = isOver;
    for (;;) {
      const { bytes } = await processes.output(handle, { offset: at, limitBytes: readBytes });
      if (bytes.length === 0) break;
      at += bytes.length;
      take(bytes);
    }
    if (isLast) return over;
    await Promise.race([over, clock.sleep(betweenLooksMs)]);
  }
}

async function untilEnded(
  handle: string,
  processes: BackgroundProcesses,
  signal: AbortSignal,
): Promise<ProcessRecord | null> {
  try {
    return await processes.ended(handle, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    if (!resumedAfter.has(signal.reason)) await processes.kill(handle);
    return null;
  }
}
