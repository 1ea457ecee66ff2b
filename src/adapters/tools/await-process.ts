import type { BackgroundProcesses, ProcessRecord } from "../../ports/background-processes.ts";
import type { ToolContext } from "../../ports/tool.ts";

/** The server goes, or another takes the session up: the call is resumed there, so the process stays. */
const resumedAfter: ReadonlySet<unknown> = new Set(["drain", "lost"]);

/** Waits for a process's end on behalf of its call. `null`: the call was cancelled, and the process is gone with it. */
export async function awaitProcess(
  handle: string,
  processes: BackgroundProcesses,
  { signal }: Pick<ToolContext, "signal">,
): Promise<ProcessRecord | null> {
  try {
    return await processes.ended(handle, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    if (!resumedAfter.has(signal.reason)) await processes.kill(handle);
    return null;
  }
}
