import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";

import { isExecutable } from "../../find-program.ts";
import type { Program } from "./cli-tool.ts";
import { describedBy } from "./description.ts";

/** In one folder; more are not looked at. */
const programsMax = 256;
const readmeBytesMax = 256 * 1024;
const toolName = /^[A-Za-z0-9_-]{1,64}$/;

export type FoundPrograms = { programs: Program[]; problems: string[] };

/**
 * The programs NAME/run or NAME/run.* of a `tools/` folder: regular files that are executable. What looks like one and
 * is none is a problem that is named. A folder that is missing has none.
 */
export async function foundPrograms(folder: string): Promise<FoundPrograms> {
  const root = await realpath(folder).catch(() => null);
  if (root === null) return { programs: [], problems: [] };
  const entries = (await readdir(root, { withFileTypes: true })).filter(
    (entry) => !entry.name.startsWith(".") && !entry.isFile(),
  );
  const programs: Program[] = [];
  const problems =
    entries.length > programsMax ? [`${folder}: only the first ${programsMax} folders are looked at`] : [];
  for (const { name } of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1)).slice(0, programsMax)) {
    const found = await programIn(root, name);
    if (typeof found === "string") problems.push(`${join(folder, name)}: ${found}`);
    else if (found !== null) programs.push(found);
  }
  return { programs, problems };
}

/** `null`: nothing there says that it is a tool. A text: why it is none although it seems to be meant as one. */
async function programIn(root: string, name: string): Promise<Program | string | null> {
  const home = await realpath(join(root, name)).catch(() => null);
  if (home === null || !home.startsWith(root + sep)) return "is a link that leads out of this folder";
  const names = await readdir(home).catch(() => []);
  const runs = names.filter((one) => one === "run" || /^run\.[^.]+$/.test(one)).toSorted();
  if (runs.length === 0) return null;
  if (!toolName.test(name)) return "a tool's name has 1 to 64 letters, digits, _ or -";
  for (const run of runs) {
    const path = await realpath(join(home, run)).catch(() => null);
    if (path === null || !path.startsWith(root + sep) || !(await stat(path)).isFile()) continue;
    if (!(await isExecutable(path))) continue;
    return {
      name,
      description: describedBy(name, undefined, await readmeOf(home)),
      argv: [path],
      readable: [home],
      effect: "unsafe",
    };
  }
  return `${runs[0] ?? "run"} is not an executable file; chmod +x makes it one`;
}

async function readmeOf(home: string): Promise<Uint8Array | undefined> {
  const path = await realpath(join(home, "README.md")).catch(() => null);
  if (path === null || !path.startsWith(home + sep)) return undefined;
  const facts = await stat(path);
  return facts.isFile() && facts.size <= readmeBytesMax ? readFile(path) : undefined;
}
