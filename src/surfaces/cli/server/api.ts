import type { Skill } from "../../../domain/prompt/skills-block.ts";
import type { RepairReport, VerifyReport } from "../../../ports/session-store.ts";
import type { ArtifactContent, ListArtifacts, PutArtifact } from "../../../client/calls/artifacts.ts";
import type { QueryMemory } from "../../../client/client.ts";
import type { DeployedAgentBody } from "../../../schema/api/agent.ts";
import type { ArtifactBody, ArtifactListBody } from "../../../schema/api/artifact.ts";
import type { GatewayBody, GatewayTrialBody, TryGateway } from "../../../schema/api/gateway.ts";
import type { MemoryListBody } from "../../../schema/api/memory.ts";
import type { HealthBody } from "../../../schema/api/server.ts";
import type { SessionEvent, SessionStatus, Usage } from "../../../schema/session-event.ts";
import type { SessionLink } from "../conversation/session-link.ts";

/** A budget that holds for a session: US dollars, or tokens for that of a turn. */
export type ShownBudget = {
  scope: string;
  level: string;
  name?: string | undefined;
  limit: number;
  spent: number;
  unit: "usd" | "tokens";
};

/** A question about a tool's call; `always`: what *always allow* would keep. */
export type ShownApproval = {
  approval_id: string;
  tool_name: string;
  command: string;
  requested_at: string;
  expires_at?: string | undefined;
  always?: readonly string[] | undefined;
};

/** A session as the server describes it; only what the command line shows. */
export type ShownSession = {
  session_id: string;
  agent: string;
  status: SessionStatus;
  activity: string;
  created_at: string;
  updated_at: string;
  last_seq: number;
  title?: string | undefined;
  usage: Usage;
  on_disconnect?: "continue" | "pause" | undefined;
  attached_clients?: number | undefined;
  budgets?: readonly ShownBudget[] | undefined;
  pending_approvals?: readonly ShownApproval[] | undefined;
  gateway?: { name: string; chat_id: string; chat_type: "dm" | "group" } | undefined;
  problem?: { code: string; detail: string } | undefined;
  tool_problems?: readonly string[] | undefined;
};

export type ShownAgent = { name: string; description?: string | undefined; version?: string | undefined };
export type ShownMessage = { role: "user" | "assistant"; content: string; seq: number; timestamp: string };

/** What the command line asks of a server. Everything throws DuragentError with the server's own words, or CommandFailure. */
export interface ServerApi {
  readonly address: string;
  agents(): Promise<ShownAgent[]>;
  agentSource(name: string): Promise<string>;
  agentSkills(name: string): Promise<Skill[]>;
  exportAgent(name: string): Promise<Uint8Array>;
  importAgent(archive: Uint8Array): Promise<DeployedAgentBody>;
  artifacts(agent: string, query: ListArtifacts): Promise<ArtifactListBody>;
  artifact(agent: string, name: string): Promise<ArtifactContent>;
  putArtifact(
    agent: string,
    name: string,
    content: AsyncIterable<Uint8Array>,
    options: PutArtifact,
  ): Promise<ArtifactBody>;
  memories(agent: string, query: QueryMemory): Promise<MemoryListBody["memories"]>;
  exportMemory(agent: string): AsyncIterable<Uint8Array>;
  sessions(query: {
    status?: SessionStatus | undefined;
    agent?: string | undefined;
    limit: number;
  }): Promise<ShownSession[]>;
  createSession(agent: string): Promise<ShownSession>;
  session(id: string): Promise<ShownSession>;
  messages(id: string, limit?: number): Promise<ShownMessage[]>;
  events(id: string, after: number, limit: number): Promise<{ events: SessionEvent[]; last_seq: number }>;
  /** Leaves the message with the server: its turn runs without a client. */
  post(id: string, content: string): Promise<void>;
  link(id: string): SessionLink;
  end(id: string): Promise<ShownSession>;
  delete(id: string): Promise<void>;
  fork(id: string, atSeq: number | undefined): Promise<ShownSession>;
  export(id: string, format: "jsonl" | "markdown"): AsyncIterable<Uint8Array>;
  verify(id: string): Promise<VerifyReport>;
  repair(id: string, options: { apply: boolean; reseal: boolean }): Promise<RepairReport>;
  gateways(): Promise<GatewayBody[]>;
  restartGateway(name: string): Promise<GatewayBody>;
  testGateway(name: string, message: TryGateway): Promise<GatewayTrialBody>;
  health(): Promise<HealthBody>;
  /** What the server finds out about itself. */
  doctor(): Promise<unknown>;
  /** Whether anything answers at the address now. */
  answers(): Promise<boolean>;
  /** The number of valid agents. */
  reload(): Promise<number>;
  shutdown(): Promise<void>;
}
