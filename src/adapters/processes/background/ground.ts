import type { AgentSessions } from "../../../ports/agent-sessions.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { Sandbox } from "../../../ports/sandbox.ts";
import type { Log } from "../../../ports/telemetry.ts";
import { systemPath } from "../minimal-environment.ts";
import type { ProcessTable } from "./process-table.ts";
import type { ProcessFiles } from "./stored-process.ts";

/** What background processes stand on. */
export type Ground = {
  readonly files: ProcessFiles;
  readonly table: ProcessTable;
  readonly sandbox: Sandbox;
  readonly sessions: AgentSessions;
  readonly clock: Clock;
  readonly log: Log;
  /** The server's environment: of it a process gets what every tool gets. */
  readonly env: NodeJS.ProcessEnv;
  readonly redactText: (text: string) => string;
  readonly logBytes: number;
  /** Fires when the server closes. */
  readonly closing: AbortSignal;
};

/** The PATH by which the keeper's own programs are found, never the one of an agent. */
export const ownPath = ({ env }: Pick<Ground, "env">): string => env["PATH"] ?? systemPath;
