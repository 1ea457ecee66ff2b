import { access, constants } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";

/** Whether a file is there that this process may run. */
export function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The program of that name that a shell would run; `undefined`: there is none. Relative folders of PATH are left out. */
export async function findProgram(name: string, path: string | undefined): Promise<string | undefined> {
  for (const folder of (path ?? "").split(delimiter).filter((one) => isAbsolute(one))) {
    const program = join(folder, name);
    if (await isExecutable(program)) return program;
  }
  return undefined;
}
