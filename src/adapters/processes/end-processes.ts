import { readdir, readFile } from "node:fs/promises";

import { hasCode } from "../error-code.ts";

/** A command's processes: those of its group, and those that left it but have the run's mark in their environment. */
export type ProcessFamily = {
  leader: number;
  /** `NAME=VALUE`, unique to this run. */
  mark: string;
  /** Inside a sandbox the leader is the sandbox itself: as long as it lives, what it holds can be asked to end. */
  sandboxed: boolean;
};

/** SIGTERM to all of them. */
export async function askToEnd(family: ProcessFamily): Promise<void> {
  if (!family.sandboxed) send(-family.leader, "SIGTERM");
  for (const pid of await marked(family.mark)) if (pid !== family.leader) send(pid, "SIGTERM");
}

/** SIGKILL to all of them. What a sandbox holds dies with its leader. */
export async function endNow(family: ProcessFamily): Promise<void> {
  send(-family.leader, "SIGKILL");
  if (family.sandboxed) return;
  for (const pid of await marked(family.mark)) send(pid, "SIGKILL");
}

/** Linux only: elsewhere the environment of a process can not be read. */
async function marked(mark: string): Promise<number[]> {
  if (process.platform !== "linux") return [];
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      // Another user's, or gone meanwhile.
      const environment = await readFile(`/proc/${pid}/environ`, "latin1").catch(() => "");
      return environment.split("\0").includes(mark) ? [Number(pid)] : [];
    }),
  );
  return found.flat();
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone already; or (EPERM, macOS) only zombies are left of the group.
    if (!hasCode(error, "ESRCH", "EPERM")) throw error;
  }
}
