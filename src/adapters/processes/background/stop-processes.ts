import { readFile } from "node:fs/promises";

import type { Clock } from "../../../ports/clock.ts";
import type { ProcessTable, SeenProcess } from "./process-table.ts";

const termGraceMs = 5_000;
const killGraceMs = 5_000;
const keeperGraceMs = 2_000;
const betweenLooksMs = 20;
const betweenLooksMaxMs = 200;

type Stopping = {
  handle: string;
  /** FOLDER/HANDLE. */
  base: string;
  /** The keeper, as long as it is known to be ours. */
  keeper(): Promise<number | undefined>;
};

/**
 * Ends all that a process started: SIGTERM, 5 s, SIGKILL; also what has left its group. The keeper then ends by itself, once
 * the last of the output is in the log; if not, it is killed as well. Resolves when nothing is left, after 12 s at most.
 */
export async function stopProcesses(process: Stopping, table: ProcessTable, clock: Clock): Promise<void> {
  const told = new Set<number>();
  const term = (pids: number[]): void => {
    for (const pid of pids) if (!told.has(pid)) signal(told.add(pid) && pid, "SIGTERM");
  };
  const kill = (pids: number[]): void => pids.forEach((pid) => signal(pid, "SIGKILL"));
  const members = (): Promise<number[]> => membersOf(process, table);
  const gone =
    (await untilNone(members, term, termGraceMs, clock)) || (await untilNone(members, kill, killGraceMs, clock));
  const keeper = async (): Promise<number[]> => [(await process.keeper()) ?? []].flat();
  if (gone && (await untilNone(keeper, () => undefined, keeperGraceMs, clock))) return;
  const pid = await process.keeper();
  if (pid !== undefined) signal(-pid, "SIGKILL");
}

/** Looks, acts, and looks again, for so long. Whether there was nothing left. */
async function untilNone(
  look: () => Promise<number[]>,
  act: (pids: number[]) => void,
  ms: number,
  clock: Clock,
): Promise<boolean> {
  const until = clock.monotonic() + ms;
  for (let times = 0; ; times += 1) {
    const left = await look();
    if (left.length === 0) return true;
    // On a machine that is too busy to look in time, at least once.
    if (times > 0 && clock.monotonic() >= until) return false;
    act(left);
    await clock.sleep(Math.min(betweenLooksMaxMs, betweenLooksMs * (times + 1)));
  }
}

async function membersOf({ handle, base, keeper }: Stopping, table: ProcessTable): Promise<number[]> {
  const all = await table.list();
  const leader = await keeper();
  const ours = new Set(await guardsOf(base));
  // What the guards have started, but not what the keeper has: the tmux server is its parent.
  const guards = descendants(all, ours, leader);
  const tree = leader === undefined ? new Set<number>() : descendants(all, new Set([leader]));
  const isMember = (one: SeenProcess): boolean =>
    one.handle === handle ||
    tree.has(one.pid) ||
    (leader !== undefined && (one.group === leader || one.session === leader));
  return all
    .filter((one) => one.pid !== leader && one.pid !== process.pid && !guards.has(one.pid) && isMember(one))
    .map((one) => one.pid);
}

/** `from` and all below them, without what lies below `without`. */
function descendants(all: readonly SeenProcess[], from: ReadonlySet<number>, without?: number): Set<number> {
  const found = new Set(from);
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const one of all) if (one.pid !== without && found.has(one.parent)) found.add(one.pid);
  }
  return found;
}

async function guardsOf(base: string): Promise<number[]> {
  try {
    const pid = Number((await readFile(`${base}.guard`, "utf8")).trim());
    return Number.isInteger(pid) && pid > 0 ? [pid] : [];
  } catch {
    // Not written yet: nothing to be spared.
    return [];
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
