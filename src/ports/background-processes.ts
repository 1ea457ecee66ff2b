import type { SessionId } from "../schema/ids.ts";
import type { ToolContext } from "./tool.ts";

export type ProcessStatus =
  | { state: "running" }
  | { state: "completed"; exit_code: number }
  | { state: "failed"; exit_code: number }
  | { state: "killed" | "timed_out" | "lost" };

/** One background process, as `<data_dir>/processes/HANDLE.meta.json` has it too. Times are RFC 3339. */
export type ProcessRecord = {
  handle: string;
  session_id: SessionId;
  agent: string;
  call_id: string;
  /** A call that is recovered finds its process by this. */
  idempotency_key: string;
  command: string;
  label?: string;
  workdir: string;
  pid?: number;
  tmux_session?: string;
  log_path: string;
  started_at: string;
  ended_at?: string;
  timeout_seconds: number;
  status: ProcessStatus;
};

export type StartProcess = {
  /** A line for `bash -c`, or a program without a shell. */
  command: string | readonly [string, ...string[]];
  cwd: string;
  writable: readonly string[];
  readable: readonly string[];
  label?: string;
  /** Under tmux, with a screen and keys. Throws `conflict` where there is no tmux. */
  interactive?: boolean;
  /** All that its stdin will ever give. Without it stdin stays open for `write`. Not of an interactive one. */
  stdin?: string;
  timeoutMs: number;
  /** Whether its end becomes a message to the session; not where the call itself waits for it. */
  announceEnd: boolean;
};

/** Processes that outlive a turn and, where they can, the server. A session sees its own only. */
export interface BackgroundProcesses {
  /**
   * Durable record first, then the process, then `process_started` in the log. The same key again finds the one that was
   * started then. Throws `rate-limited` above 32 running ones of a session and 256 in all, `conflict` for what can not be started.
   */
  start(process: StartProcess, context: ToolContext): Promise<ProcessRecord>;
  findByKey(sessionId: SessionId, idempotencyKey: string): ProcessRecord | undefined;
  get(sessionId: SessionId, handle: string): ProcessRecord | undefined;
  list(sessionId: SessionId): ProcessRecord[];
  /** Resolves when it has ended, however. */
  ended(handle: string, signal: AbortSignal): Promise<ProcessRecord>;
  /** Bytes of its output from `offset`, at most `limitBytes`. */
  output(
    handle: string,
    range: { offset: number; limitBytes: number },
  ): Promise<{ bytes: Uint8Array; totalBytes: number }>;
  /** The end of its output as text: known secrets are masked, and no line is cut where there are lines. */
  tail(handle: string, limitBytes: number): Promise<{ text: string; isCut: boolean }>;
  /** To its stdin, or typed on its screen. Throws `conflict` where it takes none, or takes nothing for 10 s. */
  write(handle: string, text: string): Promise<void>;
  /** Names as tmux has them (`C-c`, `Up`), in order. Throws `conflict` for one without a screen. */
  sendKeys(handle: string, keys: readonly string[]): Promise<void>;
  /** What its screen shows. Throws `conflict` for one without a screen. */
  capture(handle: string): Promise<string>;
  /** Tells the session when nothing more was written for so long after some output; again after new output, 50 times at most. */
  watch(handle: string, intervalSeconds: number): Promise<void>;
  unwatch(handle: string): Promise<void>;
  /** The whole group: SIGTERM, 5 s, SIGKILL. Resolves when it is gone. */
  kill(handle: string): Promise<void>;
  /** Kills all that a session still runs: it has ended, or is deleted. */
  killOfSession(sessionId: SessionId): Promise<void>;
  /** Of all sessions. */
  runningCount(): number;
  /** Stops watching, kills nothing that can be found again. */
  close(): Promise<void>;
}
