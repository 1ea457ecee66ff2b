import type { Confined, ProgramStart, Sandbox } from "../../ports/sandbox.ts";
import type { Limits } from "./limits.ts";
import type { MemoryScope } from "./memory-scope.ts";
import type { ProgramFolders } from "./program-folders.ts";
import type { SystemView } from "./system-view.ts";

/** Of the private /tmp and /dev/shm, which are memory. */
const temporaryBytesMax = 1024 ** 3;
const sharedMemoryBytesMax = 256 * 1024 ** 2;
/** "nobody" nearly everywhere: who the superuser is inside, so that programs do not take themselves for it. */
const nobody = "65534";

export type BubblewrapParts = {
  program: string;
  system: SystemView;
  programs: ProgramFolders;
  network: boolean;
  isRoot: boolean;
  /** A user namespace of its own. Without it the superuser outside is one inside, though without capabilities. */
  ownUsers: boolean;
  /** It knows --size and --perms: bubblewrap 0.6 and newer. */
  sizes: boolean;
  limits: Limits | null;
  scope: MemoryScope | null;
  warnings: readonly string[];
};

/**
 * Linux namespaces by bubblewrap: the system and the programs of PATH read-only, the given folders, a private /tmp, and
 * nothing else. Environments pass through the process, never through arguments that other users could read.
 */
export function bubblewrapOf(parts: BubblewrapParts): Sandbox {
  const fixed = fixedArguments(parts);
  const last = [...(parts.limits?.prefix ?? [])];
  return {
    kind: "bubblewrap",
    inForce: [
      "bubblewrap: commands see the system read-only, their own workspace and a private /tmp, and no other processes",
      parts.network ? "the network of this machine, its loopback too (sandbox.network)" : "no network",
      ...(parts.ownUsers ? [] : ["no user namespace of their own"]),
      ...(parts.scope === null ? [] : [parts.scope.inForce]),
      ...(parts.limits === null ? [] : [parts.limits.inForce]),
    ],
    warnings: parts.warnings,
    confine: (program) => started(program, parts, [...fixed, ...folderArguments(program), "--remount-ro", "/"], last),
  };
}

function started(
  program: Confined,
  { program: bwrap, scope }: BubblewrapParts,
  args: readonly string[],
  last: readonly string[],
): ProgramStart {
  const dies = program.diesWithParent === false ? [] : ["--die-with-parent"];
  // Else a program could type into the terminal that the server was started from (TIOCSTI).
  const terminal = program.ownTerminal === true ? [] : ["--new-session"];
  const { through, inside: onlyInside } = separated(program.env);
  const set = Object.entries(onlyInside).flatMap(([name, value]) => ["--setenv", name, value]);
  const inside = [...dies, ...terminal, ...args, ...set, "--chdir", program.cwd, "--", ...last, ...program.argv];
  const env = { ...through, ...scope?.env, HOME: program.writable[0] ?? "/tmp", TMPDIR: "/tmp" };
  if (scope === null) return { argv: [bwrap, ...inside], cwd: "/", env };
  const unset = Object.keys(scope.env).flatMap((name) => ["--unsetenv", name]);
  const [first = bwrap, ...rest] = scope.prefix;
  return { argv: [first, ...rest, bwrap, ...unset, ...inside], cwd: "/", env };
}

/** What tells a program's loader and libraries where to take code and settings from. */
const loaderVariable =
  /^(LD_|GLIBC_|MALLOC_|SYSTEMD_|DBUS_|XDG_|(GCONV_PATH|LOCPATH|NLSPATH|GETCONF_DIR|HOSTALIASES|LOCALDOMAIN|RES_OPTIONS|TZDIR)$)/;

/**
 * bwrap itself runs outside: a library that a tool's own variables made it load would be free. Such variables are given
 * as arguments, which others can read; all else, and with it every secret, goes through the environment.
 */
function separated(env: ProgramStart["env"]): Record<"through" | "inside", Record<string, string>> {
  const entries = Object.entries(env);
  return {
    through: Object.fromEntries(entries.filter(([name]) => !loaderVariable.test(name))),
    inside: Object.fromEntries(entries.filter(([name]) => loaderVariable.test(name))),
  };
}

const words = (text: string): string[] => text.trim().split(/\s+/);

function fixedArguments({ system, programs, network, isRoot, ownUsers, sizes }: BubblewrapParts): string[] {
  const sized = (bytes: number): string => (sizes ? `--size ${bytes}` : "");
  return [
    ...(ownUsers ? ["--unshare-user"] : []),
    ...(ownUsers && isRoot ? ["--uid", nobody, "--gid", nobody] : []),
    ...words("--unshare-ipc --unshare-pid --unshare-uts --unshare-cgroup-try --hostname sandbox"),
    ...(network ? [] : ["--unshare-net"]),
    ...words("--cap-drop ALL"),
    ...system.args,
    ...words(`--dev /dev ${sized(sharedMemoryBytesMax)} --tmpfs /dev/shm --remount-ro /dev`),
    ...words(
      `${sized(temporaryBytesMax)} ${sizes ? "--perms 1777" : ""} --tmpfs /tmp --dir /run --symlink ../tmp /var/tmp`,
    ),
    ...programs.readable.flatMap((path) => ["--ro-bind-try", path, path]),
    ...programs.links.flatMap(({ path, target }) => ["--symlink", target, path]),
  ];
}

// The later one wins where one lies in the other: what may be written comes last.
const folderArguments = ({ readable, writable }: Confined): string[] => [
  ...readable.flatMap((path) => ["--ro-bind-try", path, path]),
  ...writable.flatMap((path) => ["--bind", path, path]),
];
