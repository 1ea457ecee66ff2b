import { spawn } from "node:child_process";
import { open } from "node:fs/promises";

import type { ProgramStart } from "../../../ports/sandbox.ts";

/** What one process may write into its log; what comes after it is dropped, and the log says so. */
export const logBytesMax = 64 * 1024 * 1024;
const blockBytes = 65_536;
/** So often is a block read between two looks at the log's size: what the bound can be missed by. */
const blocksAtOnce = 16;

// `dd`, because it writes at once what it has read, however little.
const drain = `
trap '' TERM INT HUP
size=0
while [ "$size" -lt "$limit" ]; do
  before=$size
  dd bs=${blockBytes} count=${blocksAtOnce} 2>/dev/null >>"$base.log"
  size=$(($(wc -c <"$base.log")))
  [ "$size" -eq "$before" ] && break
done
[ "$size" -ge "$limit" ] && printf '\\n[the log is full: what was written after this is not kept]\\n' >>"$base.log"
exec cat >/dev/null
`;

// Handlers, and not ignored signals, which a command would inherit. Its PATH may lead into a folder that an agent writes:
// the keeper's own programs are found by the server's.
const begin = `
umask 077
base=$1 limit=$2 own=$3 theirs=$PATH; shift 3
PATH=$own; export PATH
trap : TERM INT HUP
record() { echo "$1" >"$base.exit.tmp" && mv "$base.exit.tmp" "$base.exit"; }
program() { trap - TERM INT HUP; PATH=$theirs; export PATH; exec "$@"; }
`;

/**
 * The keeper: a shell that outlives the server, leads a session of its own and stands outside of the sandbox. It lets the
 * command's output through up to the bound, and writes its exit code down.
 */
const script = `${begin}
mkfifo "$base.out" || { record 126; exit 1; }
[ -e "$base.in" ] || mkfifo "$base.in" || { record 126; exit 1; }
( exec <"$base.out"; ${drain} ) &
drain=$!
echo "$drain" >"$base.guard.tmp" && mv "$base.guard.tmp" "$base.guard"
if [ -p "$base.in" ]; then ( program "$@" ) <>"$base.in" >"$base.out" 2>&1
else ( program "$@" ) <"$base.in" >"$base.out" 2>&1; fi
record "$?"
while kill -0 "$drain" 2>/dev/null; do wait "$drain"; done
`;

/** On a screen there is nothing to let through: tmux gives a copy of it to `drain`. */
const screenScript = `${begin}
( program "$@" )
record "$?"
`;

export type Kept = {
  /** FOLDER/HANDLE. */
  base: string;
  logBytes: number;
  /** The server's own PATH. */
  path: string;
};

const limitOf = (bytes: number): string => String(Math.max(blockBytes, bytes - blockBytes * blocksAtOnce));

/** The argument vector of a keeper that runs a program on a screen. */
export const screenKeeper = (program: ProgramStart, { base, logBytes, path }: Kept): string[] => [
  "/bin/sh",
  "-c",
  screenScript,
  "duragent-keeper",
  base,
  limitOf(logBytes),
  path,
  ...program.argv,
];

/** What writes a screen's output into its log: a line for a shell. */
export const screenDrain = ({ base, logBytes, path }: Kept): string =>
  `base=${quoted(base)} limit=${limitOf(logBytes)} PATH=${quoted(path)}; export PATH; umask 077;${drain}`;

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * Starts a program under a keeper, which is not waited for when this process ends; `onEnd` is called while it lives.
 * Throws Node's error where it can not start.
 */
export async function startKeeper(program: ProgramStart, kept: Kept, onEnd: () => void): Promise<number> {
  // The keeper's own complaints, if it has any, stand in the log too.
  await using log = await open(`${kept.base}.log`, "a", 0o600);
  const argv = ["-c", script, "duragent-keeper", kept.base, limitOf(kept.logBytes), kept.path, ...program.argv];
  const child = spawn("/bin/sh", argv, {
    cwd: program.cwd,
    env: program.env,
    detached: true,
    stdio: ["ignore", "ignore", log.fd],
  });
  child.once("exit", onEnd);
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  child.unref();
  return child.pid ?? 0;
}
