import type { AgentCatalog, AgentDeployment, InvalidAgent } from "../../runtime/agents/catalog-types.ts";
import type { PolicyProblem, PolicyVerdict } from "../../ports/policy.ts";
import type { PolicyCall } from "../../ports/tool.ts";
import type { WholeAgent } from "../../ports/agent-store.ts";
import type { RepairReport, VerifyReport } from "../../ports/session-store.ts";
import type { GatewayBody, GatewayTrialBody, TryGateway } from "../../schema/api/gateway.ts";
import type { SessionId } from "../../schema/ids.ts";

/** Where the data directory's things are, as configuration says; all paths absolute. */
export type Place = {
  /** `null`: no file was found, every default is in force. */
  readonly configFile: string | null;
  readonly dataDir: string;
  readonly agentsDir: string;
  readonly apiToken: string | undefined;
  readonly adminToken: string | undefined;
};

/** What `server.json` says about the process that holds the data directory; proves nothing by itself. */
export type ServerRecord = {
  pid: number;
  started_at: string;
  url?: string | undefined;
  socket?: string | undefined;
  version: string;
};

/** Where configuration is looked for: `--config`, then the environment, then the working directory. */
export type Whereabouts = {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly config?: string | undefined;
};

export type ServeFlags = Whereabouts & {
  host?: string;
  port?: number;
  agentsDir?: string;
  adminToken?: string;
  /** Stop after so many seconds without clients and without work. */
  ephemeralSeconds?: number;
  watch: boolean;
  socketOnly: boolean;
  verbosity: number;
  /** One line each, for people. */
  print(line: string): void;
};

/** A server in this process. `stopped` resolves once it has stopped, with the exit code. */
export type ServerHandle = {
  readonly stopped: Promise<number>;
  stop(reason: string): Promise<void>;
  reload(): Promise<void>;
};

export type CheckStatus = "ok" | "warn" | "error";
export type Check = { status: CheckStatus; message: string; remedy?: string; fixed?: boolean };
export type DoctorReport = {
  status: CheckStatus;
  sections: { name: string; checks: Check[] }[];
  summary: { ok: number; warn: number; error: number };
};

/** A call as policy sees it, of which agent. */
export type PolicyQuestion = { agent: string } & Pick<PolicyCall, "type" | "text">;
export type PolicyCheck = {
  verdict: PolicyVerdict;
  /** Of a command line that is nothing but plain commands: each of them. */
  commands: readonly { command: string; verdict: PolicyVerdict }[];
  /** What *always allow* would keep. */
  always: readonly string[];
  problems: readonly PolicyProblem[];
};

/** Sessions of a data directory that no server holds; holds its lock until disposed. */
export interface OfflineSessions extends AsyncDisposable {
  ids(): Promise<SessionId[]>;
  verify(id: SessionId): Promise<VerifyReport>;
  repair(id: SessionId, options: { apply: boolean; reseal: boolean }): Promise<RepairReport>;
}

/** Agents of a data directory that no server holds; holds its lock until disposed. */
export interface OfflineAgents extends AsyncDisposable {
  readonly agents: AgentDeployment;
}

/** The other side of the command line: implemented by the composition root. Throws CommandFailure with its exit code. */
export interface Ground {
  place(where: Whereabouts): Promise<Place>;
  serverRecord(dataDir: string): Promise<ServerRecord | null>;
  serve(flags: ServeFlags): Promise<ServerHandle>;
  /** `served`: what the server that holds the directory says about itself, if one does. */
  doctor(where: Whereabouts, options: { online: boolean; fix: boolean; served: unknown }): Promise<DoctorReport>;
  agents(where: Whereabouts): Promise<AgentCatalog>;
  /** `null`: the folder (or single file) holds a valid agent; `warnings` speak of what is set but not used. */
  validateAgent(folder: string): Promise<{ name: string; warnings: readonly string[] } | InvalidAgent>;
  /** What the policy files say now. */
  checkPolicy(where: Whereabouts, question: PolicyQuestion): Promise<PolicyCheck>;
  /** The gateways of the configuration, none of them running. */
  gateways(where: Whereabouts): Promise<GatewayBody[]>;
  /** Starts a gateway's program where no server runs it, asks it, and ends it. */
  testGateway(where: Whereabouts, name: string, message: TryGateway): Promise<GatewayTrialBody>;
  /** Keeps a key in `~/.duragent/auth.json` (0600); answers with the path. */
  storeKey(provider: string, key: string): Promise<string>;
  offlineSessions(where: Whereabouts): Promise<OfflineSessions>;
  offlineAgents(where: Whereabouts): Promise<OfflineAgents>;
  /** All that belongs to the agent in a folder, or a single agent file; absolute. Throws `unprocessable` past the limits of a package. */
  readAgent(path: string): Promise<WholeAgent>;
}
