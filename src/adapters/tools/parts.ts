import type { AgentSessions } from "../../ports/agent-sessions.ts";
import type { ArtifactStore } from "../../ports/artifact-store.ts";
import type { BackgroundProcesses } from "../../ports/background-processes.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CommandRunner } from "../../ports/command-runner.ts";
import type { MemoryStore } from "../../ports/memory-store.ts";
import type { Log } from "../../ports/telemetry.ts";
import type { AgentDefinition } from "../../schema/agent.ts";
import type { Config } from "../../schema/config.ts";

/** The agent that tools are made for. Absolute paths; `home` is empty for an inline definition. */
export type ToolAgent = {
  readonly name: string;
  readonly home: string;
  /** Its definition may be anybody's who reaches the API; so is every one without a folder. */
  readonly isForeign?: boolean;
  readonly definition: AgentDefinition;
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** `<data_dir>/workspace/<agent>`: made on first use; the only place where its tools write. */
  readonly workspace: string;
  /** Folders that its tools may read besides the workspace: skills and tools, of the agent and shared. */
  readonly readable: readonly string[];
};

/** What the built-in tools of one agent are made from. */
export type ToolParts = {
  readonly agent: ToolAgent;
  readonly commands: CommandRunner;
  readonly processes: BackgroundProcesses;
  readonly artifacts: ArtifactStore;
  readonly memory: MemoryStore;
  readonly sessions: AgentSessions;
  readonly clock: Clock;
  readonly log: Log;
  /** `<data_dir>/sessions`: a session's working notes are ID/memory/working.md there. */
  readonly sessionsFolder: string;
  /** Of this program: in the User-Agent of its requests. */
  readonly version: string;
  web(): Config["web"];
  /** Reads the executables under `tools/` again; what there is then, and which folders were looked at. */
  reloadTools(): Promise<{ tools: { name: string; description: string }[]; folders: string[] }>;
};
