import { spawn, type ChildProcess } from "node:child_process";

/**
 * Reads "+ GROUP MARK" and "- GROUP MARK". Its input ends when the server does, however that dies: then all that is still
 * listed is killed, also what left its group but kept the mark in its environment. Three rounds, for what forks meanwhile.
 */
const script = `
runs=
while read -r what group mark; do
  case $what in
    +) runs="$runs $group:$mark" ;;
    -) rest=; for run in $runs; do [ "$run" = "$group:$mark" ] || rest="$rest $run"; done; runs=$rest ;;
  esac
done
for round in 1 2 3; do
  for run in $runs; do
    kill -9 "-\${run%%:*}"
    for found in $(grep -lF -e "\${run#*:}" /proc/[0-9]*/environ); do
      pid=\${found#/proc/}
      kill -9 "\${pid%/environ}"
    done
  done
done 2>/dev/null
`;

const quickEndMs = 1_000;
/** Ends within `quickEndMs` in a row after which it is not started again at once. */
const quickEndsMax = 3;

type Watched = { group: number; mark: string };

/** A small process of its own session that outlives the server by a moment. Starts with the first thing to watch. */
export class Watchdog {
  readonly #watched = new Set<Watched>();
  readonly #shell: string;
  #child: ChildProcess | null = null;
  #quickEnds = 0;

  constructor(shell = "/bin/sh") {
    this.#shell = shell;
  }

  /** The answer forgets it again. `mark`: a variable and its value, without spaces. */
  watch(group: number, mark: string): () => void {
    const watched = { group, mark };
    this.#watched.add(watched);
    if (this.#child === null) this.#start();
    else this.#tell("+", watched);
    return () => {
      if (this.#watched.delete(watched)) this.#tell("-", watched);
    };
  }

  close(): void {
    this.#child?.stdin?.end();
    this.#child = null;
  }

  #start(): void {
    const startedAt = performance.now();
    const child = spawn(this.#shell, ["-c", script], {
      cwd: "/",
      // Nothing of the server's: the names of its secrets would be in /proc, too.
      env: { PATH: "/usr/bin:/bin" },
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    const gone = (): void => {
      if (this.#child !== child) return;
      this.#child = null;
      this.#quickEnds = performance.now() - startedAt < quickEndMs ? this.#quickEnds + 1 : 0;
      // Killed by somebody: the next one takes over what still runs. One that can not live waits for the next thing to watch.
      if (this.#watched.size > 0 && this.#quickEnds <= quickEndsMax) this.#start();
    };
    child.once("exit", gone);
    // A machine that can start no shell starts no tool either, and that is reported there.
    child.once("error", () => (this.#child = null));
    child.stdin?.on("error", () => undefined);
    child.unref();
    this.#child = child;
    for (const watched of this.#watched) this.#tell("+", watched);
  }

  #tell(what: "+" | "-", { group, mark }: Watched): void {
    this.#child?.stdin?.write(`${what} ${group} ${mark}\n`);
  }
}
