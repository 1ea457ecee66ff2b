import { stat } from "node:fs/promises";

import { findProgram } from "../find-program.ts";
import { processesMax } from "./limits.ts";
import { faultOf } from "./probe.ts";

/** Of all processes of one call together. */
const memoryBytesMax = 4 * 1024 ** 3;

export type MemoryScope = {
  prefix: readonly string[];
  /** What reaches the service manager; of no use to a tool. */
  env: Readonly<Record<string, string>>;
  inForce: string;
};

/**
 * A cgroup v2 scope of its own for each call, made by systemd: limits memory and processes of the call as a whole.
 * `null` where there is no systemd that would make one for this user. `bootedFolder`: /run/systemd/system, as sd_booted(3).
 */
export async function memoryScope(
  env: NodeJS.ProcessEnv,
  { isRoot, bootedFolder }: { isRoot: boolean; bootedFolder: string },
): Promise<MemoryScope | null> {
  if (
    !(await stat(bootedFolder).then(
      (found) => found.isDirectory(),
      () => false,
    ))
  )
    return null;
  const program = await findProgram("systemd-run", env["PATH"]);
  if (program === undefined) return null;
  const properties = [`MemoryMax=${memoryBytesMax}`, "MemorySwapMax=0", `TasksMax=${processesMax}`];
  const prefix = [
    program,
    ...(isRoot ? [] : ["--user"]),
    "--scope",
    "--quiet",
    "--collect",
    ...properties.flatMap((property) => ["-p", property]),
    "--",
  ];
  const reach = Object.fromEntries(
    ["XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS"].flatMap((name) => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const fault = await faultOf({
    argv: [program, ...prefix.slice(1), "true"],
    cwd: "/",
    env: { ...reach, PATH: env["PATH"] ?? "" },
  });
  return fault === null
    ? { prefix, env: reach, inForce: `limits: 4 GiB of memory, ${processesMax} processes a call` }
    : null;
}
