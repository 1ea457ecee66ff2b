import { homedir } from "node:os";
import { isAbsolute } from "node:path";

import type { Sandbox } from "../../ports/sandbox.ts";
import { findProgram } from "../find-program.ts";
import { bubblewrapOf } from "./bubblewrap-start.ts";
import { processLimits } from "./limits.ts";
import { memoryScope } from "./memory-scope.ts";
import { faultOf } from "./probe.ts";
import { programFolders } from "./program-folders.ts";
import type { SandboxOptions } from "./options.ts";
import { systemView } from "./system-view.ts";

/** Why there is none, as the end of a sentence, and what to do. */
export type Unavailable = { fault: string; remedy: string };

/**
 * Tried with a user namespace of its own, then without: where those are switched off, the superuser can do so. Then, for
 * bubblewrap before 0.6, without bounds of /tmp.
 */
export async function openBubblewrap(options: SandboxOptions): Promise<Sandbox | Unavailable> {
  if (process.platform !== "linux")
    return { fault: `there is no bubblewrap on ${process.platform}`, remedy: "run the server on Linux" };
  const { env, hidden, network } = options;
  const path = env["PATH"] ?? "";
  const isRoot = options.isRoot ?? process.getuid?.() === 0;
  const [program, prlimit, system, scope] = await Promise.all([
    findProgram("bwrap", path),
    findProgram("prlimit", path),
    systemView(hidden),
    memoryScope(env, { isRoot, bootedFolder: options.systemdFolder ?? "/run/systemd/system" }),
  ]);
  if (program === undefined)
    return {
      fault: "there is no program bwrap on the PATH",
      remedy: "install it (Debian, Ubuntu: apt install bubblewrap)",
    };
  const homes = [env["HOME"], homedir(), "/root", "/home"].filter(
    (home): home is string => home !== undefined && isAbsolute(home),
  );
  const programs = await programFolders({
    path,
    isSeen: system.isSeen,
    hidden: hidden.folders,
    holders: [...homes, ...hidden.holders],
  });

  const warnings = [
    ...(prlimit === undefined
      ? ["there is no program prlimit: no limits of CPU time, files and memory (Debian: apt install util-linux)"]
      : []),
    ...(isRoot && scope === null ? [uncountedProcesses] : []),
  ];
  let fault = "";
  for (const [ownUsers, sizes] of tries) {
    // Options that it does not know are the only reason to go without them.
    if (!sizes && !/unknown option/i.test(fault)) continue;
    // The kernel spares the superuser's own processes this limit, in a user namespace too.
    const wanted = { processes: ownUsers && !isRoot && scope === null, addressSpace: scope === null };
    const limits = prlimit === undefined ? null : await processLimits(prlimit, wanted);
    const parts = { program, system, programs, network, isRoot, ownUsers, sizes, limits, scope, warnings };
    const sandbox = bubblewrapOf(parts);
    const tried = await faultOf(
      sandbox.confine({ argv: ["true"], cwd: "/", env: { PATH: path }, writable: [], readable: [] }),
    );
    if (tried === null) return sandbox;
    fault ||= tried;
  }
  return {
    fault: `bubblewrap does not work here (${fault})`,
    remedy:
      "allow user namespaces (sysctl kernel.unprivileged_userns_clone=1, kernel.apparmor_restrict_unprivileged_userns=0; in a container, its seccomp and AppArmor profiles)",
  };
}

const tries = [
  [true, true],
  [false, true],
  [true, false],
  [false, false],
] as const;

const uncountedProcesses =
  "the number of a command's processes is not limited: the kernel does not count those of the superuser; run the server as an ordinary user";
