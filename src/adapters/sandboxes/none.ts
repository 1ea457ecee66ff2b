import { userInfo } from "node:os";

import type { Sandbox } from "../../ports/sandbox.ts";
import { findProgram } from "../find-program.ts";
import { processLimits, type Limits } from "./limits.ts";
import { faultOf } from "./probe.ts";

/** No sandbox: programs are started as they are, with limits of their own where the system has prlimit(1). */
export async function openNoSandbox(env: NodeJS.ProcessEnv, warnings: readonly string[]): Promise<Sandbox> {
  const limits = await limitsThatWork(env);
  return {
    kind: "none",
    inForce: [
      `no sandbox: commands run as the user ${userName()}, with all that this user may read, write and reach`,
      ...(limits === null ? [] : [limits.inForce]),
    ],
    warnings,
    confine: ({ argv, cwd, env: given }) => {
      const [program = argv[0], ...args] = [...(limits?.prefix ?? []), ...argv];
      return { argv: [program, ...args], cwd, env: given };
    },
  };
}

async function limitsThatWork(env: NodeJS.ProcessEnv): Promise<Limits | null> {
  const prlimit = await findProgram("prlimit", env["PATH"]);
  if (prlimit === undefined) return null;
  // The number of processes would count all of the user's own, not the command's.
  const limits = await processLimits(prlimit, { processes: false, addressSpace: true });
  const fault = await faultOf({
    argv: [prlimit, ...limits.prefix.slice(1), "true"],
    cwd: "/",
    env: { PATH: env["PATH"] ?? "" },
  });
  return fault === null ? limits : null;
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // No entry in the table of users, as often in a container.
    return String(process.getuid?.() ?? "of this process");
  }
}
