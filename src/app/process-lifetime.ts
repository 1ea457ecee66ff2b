import { isatty } from "node:tty";

import { terminalText } from "../domain/terminal-text.ts";
import type { Log } from "../ports/telemetry.ts";

export type Lifetime = {
  /** SIGTERM, and ctrl-c: drain, then stop. A second one does not wait. */
  onStop(signal: "SIGTERM" | "SIGINT"): void;
  /** SIGHUP, the terminal still being there: read configuration and agents again. */
  onReload(): void;
  /** What is known to be wrong with the program itself: after this the process ends with exit code 1. */
  log: Pick<Log, "error">;
  exit(code: number): void;
};

/**
 * Joins a server to the signals and last words of its process. A process whose invariants are broken must not go on:
 * it says why and dies, and the log brings its sessions back. Answers with what lets go of the process again.
 */
export function followProcess(lifetime: Lifetime): () => void {
  const stop = (signal: "SIGTERM" | "SIGINT"): void => lifetime.onStop(signal);
  const hadTerminal = isatty(0);
  // SIGHUP also says that the terminal was closed: then whoever started it there wants it gone.
  const reload = (): void => (hadTerminal && !isatty(0) ? lifetime.onStop("SIGTERM") : lifetime.onReload());
  const die = (error: unknown): void => {
    lifetime.log.error({ error }, "A defect in Duragent stops the server; sessions go on when it is started again");
    // The log writes asynchronously; what killed the server must be readable somewhere in any case.
    const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`error: ${terminalText(said)}\n`, () => lifetime.exit(1));
  };
  process.on("SIGTERM", stop).on("SIGINT", stop).on("SIGHUP", reload);
  process.on("uncaughtException", die).on("unhandledRejection", die);
  return () => {
    process.off("SIGTERM", stop).off("SIGINT", stop).off("SIGHUP", reload);
    process.off("uncaughtException", die).off("unhandledRejection", die);
  };
}
