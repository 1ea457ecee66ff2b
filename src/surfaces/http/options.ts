import type { IncomingMessage, ServerResponse } from "node:http";

import type { ArtifactStore } from "../../ports/artifact-store.ts";
import type { Clock } from "../../ports/clock.ts";
import type { GatewayHost } from "../../ports/gateway-host.ts";
import type { MemoryStore } from "../../ports/memory-store.ts";
import type { Log, Metrics } from "../../ports/telemetry.ts";
import type { AgentCatalog, AgentDeployment } from "../../runtime/agents/catalog-types.ts";
import type { Sessions } from "../../runtime/runtime.ts";
import type { BodyTime } from "./request/body-time.ts";
import type { HealthBody, ReadinessBody, VersionBody } from "../../schema/api/server.ts";

/** Who may come in; tokens as plain text, compared in constant time. */
export type AccessOptions = {
  /** The configured listening host; a name that requests may call the server by. */
  host: string;
  allowedHosts: readonly string[];
  apiToken?: string | undefined;
  adminToken?: string | undefined;
  /** `false`: admin routes do not exist. */
  adminEnabled: boolean;
  /** Origins of web pages that may use the API; `*` for all. */
  corsOrigins: readonly string[];
  metricsEnabled: boolean;
  metricsPublic: boolean;
};

export type HttpLimits = {
  bodyBytes: number;
  streams: number;
  streamsPerSession: number;
  /** How long a request waits for its turn; the turn goes on. */
  requestTimeoutMs: number;
  keepAliveMs: number;
};

/** All that the HTTP surface needs; the composition root makes it. */
export type HttpOptions = {
  sessions: Sessions;
  agents: AgentCatalog;
  deployment: AgentDeployment;
  artifacts: ArtifactStore;
  memory: MemoryStore;
  gateways: Pick<GatewayHost, "list" | "restart" | "ping" | "ask">;
  log: Log;
  metrics: Metrics;
  renderMetrics(): Promise<{ contentType: string; body: string }>;
  clock: Clock;
  access: AccessOptions;
  limits: HttpLimits;
  version: VersionBody;
  workerId: string;
  /** `checks` say why it is not healthy; `status` and `checks` only. */
  health(): Promise<Pick<HealthBody, "status" | "checks">>;
  readiness(): Promise<ReadinessBody>;
  doctor(): Promise<unknown>;
  /** Reads all agents again; the number of valid ones. */
  reload(): Promise<number>;
  /** Begins to drain; returns at once. */
  shutdown(): "started" | "already";
};

/** What the listener gives with each request; `unix`: over the local socket, which needs no token. */
export type NodeBindings = {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  via: "tcp" | "unix";
  bodyTime: BodyTime | undefined;
};
