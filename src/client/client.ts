import type { AgentDetailBody, AgentListBody, DeployedAgentBody } from "../schema/api/agent.ts";
import type {
  AcceptedBody,
  AnswerBody,
  ApproveBody,
  ApprovedBody,
  ApprovedOpenBody,
  AskedBody,
  MessageListBody,
  OpenTurnBody,
  SendMessageBody,
} from "../schema/api/message.ts";
import type {
  HealthBody,
  ReadinessBody,
  RepairReportBody,
  VerifyReportBody,
  VersionBody,
} from "../schema/api/server.ts";
import type { AttachmentBody, SessionBody, SessionListBody } from "../schema/api/session.ts";
import type { SessionId } from "../schema/ids.ts";
import type { OnDisconnect, SessionEvent, SessionStatus } from "../schema/session-event.ts";
import { fetchTransport } from "./fetch-transport.ts";
import { followSession, type FollowOptions } from "./follow.ts";
import { nodeTransport } from "./node-transport.ts";
import { Requests, type RequestOptions } from "./request.ts";
import { parseSse } from "./sse-parser.ts";
import { readTurn, type FollowEvent, type TurnEvent } from "./stream-events.ts";
import type { Transport } from "./transport.ts";

export type { FollowEvent, FollowOptions, TurnEvent };

/** Where the server is: a URL, or the unix socket of a local one. `fetch`: used instead of the platform's own means. */
export type ClientOptions = ({ baseUrl: string } | { socketPath: string }) & {
  token?: string | undefined;
  fetch?: typeof fetch | undefined;
};

export type ListSessions = {
  status?: SessionStatus;
  agent?: string;
  labels?: Readonly<Record<string, string>>;
  limit?: number;
  cursor?: string;
};
export type NewSession = ({ agent: string } | { agent_spec: unknown }) & {
  on_disconnect?: OnDisconnect;
  labels?: Readonly<Record<string, string>>;
  session_id?: SessionId;
};

/** What became of a message: answered, or (`202`) a question, a turn that goes on, or that it is durable. */
export type MessageOutcome =
  | ({ kind: "answered" } & AnswerBody)
  | ({ kind: "pending_approval" } & AskedBody)
  | ({ kind: "open" } & OpenTurnBody);
export type ApprovalOutcome = ApprovedBody | ApprovedOpenBody;

export type ChangeAgent = { ifMatch?: string | undefined; signal?: AbortSignal | undefined };

const changing = ({ ifMatch, signal }: ChangeAgent) => ({
  signal,
  ...(ifMatch === undefined ? {} : { headers: { "if-match": ifMatch } }),
});
const adminAgents = (rest = ""): string => `/api/v1/admin/agents${rest}`;
const session = (id: SessionId, rest = ""): string => `/api/v1/sessions/${encodeURIComponent(id)}${rest}`;

/** A client of the HTTP API, one method for each route. Throws `ApiProblem` when refused, `ServerUnreachable` when unanswered. */
export class Client {
  private readonly requests: Requests;

  constructor(transport: Transport, token: string | undefined) {
    this.requests = new Requests(transport, token);
  }

  /** Whether the process answers. */
  live(): Promise<string> {
    return this.requests.text({ method: "GET", path: "/livez" });
  }

  ready(options: RequestOptions = {}): Promise<ReadinessBody> {
    return this.requests.json({ ...options, method: "GET", path: "/readyz" });
  }

  health(): Promise<HealthBody> {
    return this.requests.json({ method: "GET", path: "/health" });
  }

  version(): Promise<VersionBody> {
    return this.requests.json({ method: "GET", path: "/version" });
  }

  metrics(): Promise<string> {
    return this.requests.text({ method: "GET", path: "/metrics" });
  }

  openApi(): Promise<Record<string, unknown>> {
    return this.requests.json({ method: "GET", path: "/openapi.json" });
  }

  listAgents(): Promise<AgentListBody> {
    return this.requests.json({ method: "GET", path: "/api/v1/agents" });
  }

  getAgent(name: string): Promise<AgentDetailBody> {
    return this.requests.json({ method: "GET", path: `/api/v1/agents/${encodeURIComponent(name)}` });
  }

  /** The definition as it was written. */
  getAgentSpec(name: string): Promise<string> {
    return this.requests.text({ method: "GET", path: `/api/v1/agents/${encodeURIComponent(name)}/spec` });
  }

  /** Deploys an agent: its definition as YAML text or as an object, or its folder as .tar.gz. `ifMatch`: its ETag. */
  deployAgent(agent: string | Uint8Array | object, options: ChangeAgent = {}): Promise<DeployedAgentBody> {
    const content = typeof agent === "string" || agent instanceof Uint8Array ? agent : JSON.stringify(agent);
    const media = agent instanceof Uint8Array ? "gzip" : typeof agent === "string" ? "yaml" : "json";
    const upload = { media: `application/${media}`, content };
    return this.requests.json({ ...changing(options), method: "POST", path: adminAgents(), upload });
  }

  /** Deploys what `exportAgent` gave, of this server or another. */
  importAgent(archive: Uint8Array, options: ChangeAgent = {}): Promise<DeployedAgentBody> {
    const upload = { media: "application/gzip", content: archive };
    return this.requests.json({ ...changing(options), method: "POST", path: adminAgents("/import"), upload });
  }

  /** The agent's whole folder as .tar.gz. */
  exportAgent(name: string): Promise<Uint8Array> {
    return this.requests.bytes({ method: "GET", path: adminAgents(`/${encodeURIComponent(name)}/export`) });
  }

  /** Takes a deployed agent back. */
  async removeAgent(name: string, options: ChangeAgent = {}): Promise<void> {
    await this.requests.text({
      ...changing(options),
      method: "DELETE",
      path: adminAgents(`/${encodeURIComponent(name)}`),
    });
  }

  listSessions({ labels = {}, ...query }: ListSessions = {}): Promise<SessionListBody> {
    const byLabel = Object.fromEntries(Object.entries(labels).map(([key, value]) => [`label.${key}`, value]));
    return this.requests.json({ method: "GET", path: "/api/v1/sessions", query: { ...query, ...byLabel } });
  }

  createSession(body: NewSession, options: RequestOptions = {}): Promise<SessionBody> {
    return this.requests.json({ ...options, method: "POST", path: "/api/v1/sessions", body });
  }

  getSession(id: SessionId): Promise<SessionBody> {
    return this.requests.json({ method: "GET", path: session(id) });
  }

  async deleteSession(id: SessionId): Promise<void> {
    await this.requests.text({ method: "DELETE", path: session(id) });
  }

  endSession(id: SessionId, reason?: string): Promise<SessionBody> {
    return this.control(id, "end", reason);
  }

  cancelSession(id: SessionId, reason?: string): Promise<SessionBody> {
    return this.control(id, "cancel", reason);
  }

  pauseSession(id: SessionId, reason?: string): Promise<SessionBody> {
    return this.control(id, "pause", reason);
  }

  resumeSession(id: SessionId, reason?: string): Promise<SessionBody> {
    return this.control(id, "resume", reason);
  }

  forkSession(id: SessionId, body: { at_seq?: number } = {}, options: RequestOptions = {}): Promise<SessionBody> {
    return this.requests.json({ ...options, method: "POST", path: session(id, "/fork"), body });
  }

  attachSession(id: SessionId, body: { client_id?: string; ttl_seconds?: number } = {}): Promise<AttachmentBody> {
    return this.requests.json({ method: "POST", path: session(id, "/attach"), body });
  }

  detachSession(id: SessionId, clientId: string): Promise<AttachmentBody> {
    return this.requests.json({ method: "POST", path: session(id, "/detach"), body: { client_id: clientId } });
  }

  /** The log's bytes as JSON lines, or the conversation as Markdown. */
  async exportSession(id: SessionId, format: "jsonl" | "markdown" = "jsonl"): Promise<AsyncIterable<Uint8Array>> {
    return (await this.requests.open({ method: "GET", path: session(id, "/export"), query: { format } })).body;
  }

  listMessages(id: SessionId, query: { limit?: number; before?: number } = {}): Promise<MessageListBody> {
    return this.requests.json({ method: "GET", path: session(id, "/messages"), query });
  }

  /** Waits for the turn that takes the message in. */
  async sendMessage(id: SessionId, body: SendMessageBody, options: RequestOptions = {}): Promise<MessageOutcome> {
    const answer = await this.requests.json<AnswerBody | AskedBody | OpenTurnBody>({
      ...options,
      method: "POST",
      path: session(id, "/messages"),
      body,
    });
    if ("role" in answer) return { kind: "answered", ...answer };
    return answer.status === "pending_approval" ? { kind: "pending_approval", ...answer } : { kind: "open", ...answer };
  }

  /** Resolves once the message is durable; its turn runs without a client. */
  postMessage(id: SessionId, body: SendMessageBody, options: RequestOptions = {}): Promise<AcceptedBody> {
    return this.requests.json({
      ...options,
      method: "POST",
      path: session(id, "/messages"),
      body,
      headers: { prefer: "respond-async" },
    });
  }

  approve(id: SessionId, body: ApproveBody, options: RequestOptions = {}): Promise<ApprovalOutcome> {
    return this.requests.json({ ...options, method: "POST", path: session(id, "/approve"), body });
  }

  /** Sends a message and gives its turn as it comes. A stream that breaks off ends without a last event: follow then. */
  stream = async function* (
    this: Client,
    id: SessionId,
    body: SendMessageBody,
    options: RequestOptions = {},
  ): AsyncGenerator<TurnEvent> {
    const response = await this.requests.open({ ...options, method: "POST", path: session(id, "/stream"), body });
    for await (const item of parseSse(response.body)) {
      const event = item === null ? null : readTurn(item);
      if (event !== null) yield event;
    }
  };

  /** Follows a session over as many connections as it takes. */
  follow(id: SessionId, options: FollowOptions = {}): AsyncGenerator<FollowEvent> {
    return followSession(this.requests, id, options);
  }

  /** A page of the log. */
  listEvents(
    id: SessionId,
    query: { after?: number; limit?: number } = {},
  ): Promise<{ events: SessionEvent[]; last_seq: number }> {
    return this.requests.json({
      method: "GET",
      path: session(id, "/events"),
      query,
      headers: { accept: "application/json" },
    });
  }

  reload(): Promise<{ agents: number }> {
    return this.requests.json({ method: "POST", path: "/api/v1/admin/reload" });
  }

  /** Begins to drain; the answer comes before the end. */
  shutdown(): Promise<string> {
    return this.requests.text({ method: "POST", path: "/api/admin/v1/shutdown" });
  }

  doctor(): Promise<unknown> {
    return this.requests.json({ method: "GET", path: "/api/v1/admin/doctor" });
  }

  verifySession(id: SessionId): Promise<VerifyReportBody> {
    return this.requests.json({ method: "POST", path: `/api/v1/admin/sessions/${encodeURIComponent(id)}/verify` });
  }

  repairSession(id: SessionId, body: { apply?: boolean; reseal?: boolean } = {}): Promise<RepairReportBody> {
    return this.requests.json({
      method: "POST",
      path: `/api/v1/admin/sessions/${encodeURIComponent(id)}/repair`,
      body,
    });
  }

  private control(id: SessionId, action: string, reason: string | undefined): Promise<SessionBody> {
    return this.requests.json({
      method: "POST",
      path: session(id, `/${action}`),
      body: reason === undefined ? {} : { reason },
    });
  }
}

/** A client of the server at a URL or a unix socket. Opens nothing until the first request. */
export function createClient(options: ClientOptions): Client {
  if (options.fetch === undefined && isNode()) return new Client(nodeTransport(options), options.token);
  if (!("baseUrl" in options))
    throw new TypeError("a unix socket can be reached in Node only, without a fetch of your own");
  return new Client(fetchTransport(options.baseUrl, options.fetch ?? globalThis.fetch.bind(globalThis)), options.token);
}

function isNode(): boolean {
  return typeof process === "object" && typeof process.versions?.node === "string";
}
