import type { ToolResult } from "../schema/session-event.ts";
import type { Confined } from "./sandbox.ts";
import type { ToolContext } from "./tool.ts";

export type Command = Omit<Confined, "env" | "diesWithParent" | "ownTerminal"> & {
  /** Added to the minimal environment (PATH HOME LANG TERM TZ TMPDIR USER SHELL and DURAGENT_CALL_ID, …_IDEMPOTENCY_KEY, …_SESSION_ID, …_AGENT). */
  env?: Readonly<Record<string, string>>;
  /** Written to stdin, which is then closed; without it stdin is closed from the start. */
  stdin?: string;
  timeoutMs: number;
};

/** Runs a command of a call inside the sandbox, in a process group of its own that is gone when this resolves. */
export interface CommandRunner {
  /**
   * Streams stdout and stderr to `context.onOutput`; keeps 256 KiB of them for the result and puts the whole, to 64 MiB, into an
   * artifact. Never throws for what the command does: exit codes, signals, time-outs and a missing program are results
   * (`ok` only for exit code 0, and the exit code is always named otherwise).
   */
  run(command: Command, context: ToolContext): Promise<ToolResult>;
  /** Kills what still runs. */
  close(): Promise<void>;
}
