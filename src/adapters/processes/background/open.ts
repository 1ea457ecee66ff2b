import { chmod } from "node:fs/promises";

import type { AgentSessions } from "../../../ports/agent-sessions.ts";
import type { BackgroundProcesses } from "../../../ports/background-processes.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { FileSystem } from "../../../ports/file-system.ts";
import type { Sandbox } from "../../../ports/sandbox.ts";
import type { Log } from "../../../ports/telemetry.ts";
import { KeptProcesses } from "./kept-processes.ts";
import { logBytesMax } from "./keeper.ts";
import { processTable } from "./process-table.ts";
import { processFiles } from "./stored-process.ts";

const defaultPollMs = 1_000;

export type BackgroundProcessesOptions = {
  /** `<data_dir>/processes`; made 0700. One server at a time. */
  folder: string;
  fileSystem: FileSystem;
  sandbox: Sandbox;
  /** Told when a process ends. It may be asked before `openBackgroundProcesses` resolves; what it throws is tried again. */
  sessions: AgentSessions;
  clock: Clock;
  log: Log;
  /** The server's environment. */
  env: NodeJS.ProcessEnv;
  /** Masks known secrets in what a session is told. */
  redactText?: (text: string) => string;
  /** How often processes that are no children of this server are looked at. */
  pollMs?: number;
  /** What one process may write: 64 MiB. */
  logBytes?: number;
};

/** Reads the records again, and finds the processes of an earlier server: those that still run, and those that have ended meanwhile. */
export async function openBackgroundProcesses(options: BackgroundProcessesOptions): Promise<BackgroundProcesses> {
  const { folder, fileSystem, sandbox, sessions, clock, log, env } = options;
  await fileSystem.makeFolder(folder);
  await chmod(folder, 0o700);
  const files = processFiles(folder, fileSystem);
  const closing = new AbortController();
  const kept = new KeptProcesses(
    {
      files,
      sandbox,
      sessions,
      clock,
      log,
      env,
      table: processTable(),
      redactText: options.redactText ?? ((text) => text),
      logBytes: options.logBytes ?? logBytesMax,
      closing: closing.signal,
    },
    { pollMs: options.pollMs ?? defaultPollMs, close: () => closing.abort() },
  );
  const { processes, unreadable } = await files.readAll();
  for (const path of unreadable)
    log.warn({ path }, "this record of a background process can not be read and is left as it is");
  await kept.adopt(processes);
  return kept;
}
