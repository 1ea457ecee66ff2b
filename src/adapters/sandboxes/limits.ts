import { readFile } from "node:fs/promises";

/** What one process may use at most; a whole build fits, an endless loop and a full disk do not. */
const cpuSecondsMax = 4 * 60 * 60;
const fileBytesMax = 10 * 1024 ** 3;
const openFilesMax = 4096;
/** Of all processes and threads of one call. */
export const processesMax = 512;
/** Of addresses, not of memory: Node reserves more than 1 GiB before it has done anything. */
const addressBytesMax = 8 * 1024 ** 3;

type LimitsWanted = { processes: boolean; addressSpace: boolean };
export type Limits = { prefix: readonly string[]; inForce: string };

const rows = [
  { flag: "cpu", row: "Max cpu time", max: cpuSecondsMax },
  { flag: "fsize", row: "Max file size", max: fileBytesMax },
  { flag: "nofile", row: "Max open files", max: openFilesMax },
  { flag: "core", row: "Max core file size", max: 0 },
  { flag: "nproc", row: "Max processes", max: processesMax },
  { flag: "as", row: "Max address space", max: addressBytesMax },
] as const;

/** A program that lowers its own limits and becomes the one that follows it (prlimit(1) of util-linux). */
export async function processLimits(prlimit: string, wanted: LimitsWanted): Promise<Limits> {
  const hard = await hardLimits();
  const chosen = rows.filter(
    ({ flag }) => (flag !== "nproc" || wanted.processes) && (flag !== "as" || wanted.addressSpace),
  );
  // What is stricter already can not be raised by an ordinary user.
  const flags = chosen.map(({ flag, row, max }) => `--${flag}=${Math.min(max, hard.get(row) ?? max)}`);
  const each = ["4 h of CPU time", "files of 10 GiB", `${openFilesMax} open files`];
  if (wanted.addressSpace) each.push("8 GiB of addresses");
  const together = wanted.processes ? `; ${processesMax} processes a call` : "";
  return { prefix: [prlimit, ...flags, "--"], inForce: `limits: ${each.join(", ")} a process${together}` };
}

async function hardLimits(): Promise<Map<string, number>> {
  const text = await readFile("/proc/self/limits", "utf8").catch(() => "");
  return new Map(
    text.split("\n").flatMap((line): [string, number][] => {
      const [, row, hard] = /^(Max [a-z ]+?)\s{2,}\S+\s+(\d+)/.exec(line) ?? [];
      return row === undefined ? [] : [[row, Number(hard)]];
    }),
  );
}
