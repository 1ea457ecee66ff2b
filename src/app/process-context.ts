import type { CommandContext } from "../surfaces/cli/context.ts";

const goneTerminal = "EIO";

/** The command line's view of this process. */
export function processContext(): CommandContext {
  // A reader that goes away (`duragent … | head`) is no failure of ours: stop quietly, as other programs do.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(0);
    if (error.code !== goneTerminal) throw error;
  });
  // There is nobody left to tell; a server goes on without its terminal, and stops when it is asked to.
  process.stderr.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE" && error.code !== goneTerminal) throw error;
  });
  return {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    cwd: process.cwd(),
    env: process.env,
    ground: async () => (await import("./ground.ts")).createGround(),
    onInterrupt(listener) {
      process.on("SIGINT", listener);
      process.on("SIGTERM", listener);
      return () => {
        process.off("SIGINT", listener);
        process.off("SIGTERM", listener);
      };
    },
  };
}
