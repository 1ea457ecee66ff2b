import { access, constants, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";

/** Whether a file is there that this process may run. A folder is none, although it has the same mode. */
export async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    // Not there, or not for us.
    return false;
  }
}

/** The program of that name that a shell would run; `undefined`: there is none. Relative folders of PATH are left out. */
export async function findProgram(name: string, path: string | undefined): Promise<string | undefined> {
  for (const folder of (path ?? "").split(delimiter).filter((one) => isAbsolute(one))) {
    const program = join(folder, name);
    if (await isExecutable(program)) return program;
  }
  return undefined;
}
