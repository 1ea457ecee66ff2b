import { readdir, readFile } from "node:fs/promises";

import { hasCode } from "../error-code.ts";

/** Whether a process of the group runs. Zombies, which stay where the first process of a container reaps none, do not (Linux). */
export async function isGroupAlive(group: number): Promise<boolean> {
  try {
    process.kill(-group, 0);
  } catch (error) {
    // None; or (EPERM, macOS) only zombies.
    if (hasCode(error, "ESRCH", "EPERM")) return false;
    throw error;
  }
  if (process.platform !== "linux") return true;
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  // proc(5): "PID (NAME) STATE PARENT GROUP …"; a name may hold blanks and parentheses.
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "latin1").catch(() => "")));
  return stats.some((stat) => {
    const [state = "", , of] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return Number(of) === group && !"ZX".includes(state);
  });
}
