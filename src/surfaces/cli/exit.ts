import { terminalText } from "../../domain/terminal-text.ts";
import { DuragentError } from "../../schema/problem.ts";

/** What the process says when it ends; 69, 75 and 78 as in sysexits.h. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  /** No server could be reached or started. */
  unavailable: 69,
  /** Another process holds the data directory. */
  locked: 75,
  configuration: 78,
  interrupted: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A command that can not do what it was asked: one line that says why, and one that says how to mend it. */
export class CommandFailure extends Error {
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(exitCode: ExitCode, message: string, facts: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: facts.cause });
    this.name = "CommandFailure";
    this.exitCode = exitCode;
    this.hint = facts.hint;
  }
}

const hints: Partial<Record<DuragentError["code"], string>> = {
  unauthorized: "pass the server's token with --token or in DURAGENT_API_TOKEN",
  forbidden: "this needs the admin token: pass it with --token",
  "session-not-found": "`duragent session list` shows the sessions there are",
  "session-ended": "start a new one with `duragent chat`, or continue from it with `duragent session fork`",
  "agent-not-found": "`duragent agent list` shows the agents there are",
  "session-corrupt": "`duragent session verify ID` says what is wrong, `duragent session repair ID` what can be done",
  "storage-full": "make room on the disk; the same command may then be repeated",
};

/** The exit code and the lines for stderr; the stack only with -vv. */
export function describeFailure(error: unknown, options: { stack: boolean }): { exitCode: ExitCode; lines: string[] } {
  const known = error instanceof CommandFailure ? error : undefined;
  const problem = error instanceof DuragentError ? error : undefined;
  const message = error instanceof Error ? error.message : String(error);
  const lines = [`error: ${terminalText(message).trim()}`];
  for (const { path, message: wrong } of problem?.facts.errors ?? []) {
    lines.push(`  ${terminalText(path === "" ? wrong : `${path}: ${wrong}`)}`);
  }
  const hint = known?.hint ?? (problem === undefined ? undefined : hints[problem.code]);
  if (hint !== undefined) lines.push(`hint: ${terminalText(hint)}`);
  if (options.stack && error instanceof Error && error.stack !== undefined) lines.push(terminalText(error.stack));
  return { exitCode: known?.exitCode ?? exitCodes.failed, lines };
}
