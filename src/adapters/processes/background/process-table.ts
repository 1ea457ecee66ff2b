import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";

const execute = promisify(execFile);

/** In the environment of all that a background process starts: how what has left its group and its parents is found. */
export const handleVariable = "DURAGENT_PROCESS_HANDLE";

/** One process of this machine. `handle`: of the background process that its environment names. */
export type SeenProcess = { pid: number; parent: number; group: number; session: number; handle: string | undefined };

export interface ProcessTable {
  /** A text that no other process of this machine has with that pid, also after a restart of it; `undefined`: it is not running. */
  startOf(pid: number): Promise<string | undefined>;
  /** All that run, seen after this was called. Those who ask at the same time get the same answer. */
  list(): Promise<SeenProcess[]>;
}

/** Linux: /proc. Elsewhere `ps`, which shows no environments: what leaves its group and its parents there is not found again. */
export const processTable = (platform: NodeJS.Platform = process.platform): ProcessTable =>
  platform === "linux" ? linuxTable() : psTable();

// Fields of proc_pid_stat(5), counted from the third, after the name in parentheses.
const stateField = 0;
const parentField = 1;
const groupField = 2;
const sessionField = 3;
const startField = 19;

async function statOf(pid: number | string): Promise<string[] | undefined> {
  try {
    const text = await readFile(`/proc/${pid}/stat`, "utf8");
    // The name may hold spaces and parentheses of its own.
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

// A zombie has ended; where nobody waits for it, it would look alive for ever.
const hasEnded = (state: string | undefined): boolean => state === "Z" || state === "X";

function linuxTable(): ProcessTable {
  let boot: Promise<string> | undefined;
  return {
    async startOf(pid) {
      boot ??= readFile("/proc/sys/kernel/random/boot_id", "utf8").then((id) => id.trim());
      const stat = await statOf(pid);
      if (!stat || hasEnded(stat[stateField])) return undefined;
      // Counted since the machine was started, so that alone it may come again.
      return `${await boot}:${stat[startField]}`;
    },
    list: shared(async () => {
      const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
      const seen = await Promise.all(pids.map(linuxProcess));
      return seen.flatMap((one) => one ?? []);
    }),
  };
}

async function linuxProcess(pid: string): Promise<SeenProcess | undefined> {
  const stat = await statOf(pid);
  if (!stat || hasEnded(stat[stateField])) return undefined;
  return {
    pid: Number(pid),
    parent: Number(stat[parentField]),
    group: Number(stat[groupField]),
    session: Number(stat[sessionField]),
    handle: await handleOf(pid),
  };
}

async function handleOf(pid: string): Promise<string | undefined> {
  try {
    const variables = (await readFile(`/proc/${pid}/environ`, "utf8")).split("\0");
    return variables.find((one) => one.startsWith(`${handleVariable}=`))?.slice(handleVariable.length + 1);
  } catch {
    // Another user's, or gone: not ours.
    return undefined;
  }
}

/** Of many that are killed together each would look at every process: one look that begins after they asked is enough. */
function shared(look: () => Promise<SeenProcess[]>): () => Promise<SeenProcess[]> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<SeenProcess[]> | null = null;
  return () => {
    next ??= running.then(() => {
      const now = look();
      next = null;
      running = now.catch(() => undefined);
      return now;
    });
    return next;
  };
}

function psTable(): ProcessTable {
  const lines = async (args: readonly string[]): Promise<string[]> => {
    try {
      const { stdout } = await execute("/bin/ps", args, { env: { LC_ALL: "C" } });
      return stdout.split("\n").filter((line) => line.trim() !== "");
    } catch {
      // ps exits 1 where nothing matches.
      return [];
    }
  };
  return {
    async startOf(pid) {
      const line = (await lines(["-o", "stat=,lstart=", "-p", String(pid)]))[0]?.trim();
      return line === undefined || hasEnded(line[0]) ? undefined : line.replace(/^\S+\s+/, "");
    },
    list: shared(async () =>
      (await lines(["-axo", "pid=,ppid=,pgid=,stat="])).flatMap((line) => {
        const [pid = 0, parent = 0, group = 0] = line.trim().split(/\s+/).map(Number);
        const isGone = hasEnded(line.trim().split(/\s+/)[3]?.[0]);
        return isGone ? [] : [{ pid, parent, group, session: group, handle: undefined }];
      }),
    ),
  };
}
