import type { AgentDetailBody, AgentListBody, DeployedAgentBody } from "../../schema/api/agent.ts";
import type { Requests } from "../request.ts";

export type ChangeAgent = { ifMatch?: string | undefined; signal?: AbortSignal | undefined };

const changing = ({ ifMatch, signal }: ChangeAgent) => ({
  signal,
  ...(ifMatch === undefined ? {} : { headers: { "if-match": ifMatch } }),
});
const agent = (name: string, rest = ""): string => `/api/v1/agents/${encodeURIComponent(name)}${rest}`;
const adminAgents = (rest = ""): string => `/api/v1/admin/agents${rest}`;

/** Agents: those that there are, and those that come and go over the API. */
export const agentCalls = (requests: Requests) => ({
  listAgents: (): Promise<AgentListBody> => requests.json({ method: "GET", path: "/api/v1/agents" }),
  getAgent: (name: string): Promise<AgentDetailBody> => requests.json({ method: "GET", path: agent(name) }),

  /** The definition as it was written. */
  getAgentSpec: (name: string): Promise<string> => requests.text({ method: "GET", path: agent(name, "/spec") }),

  /** Deploys an agent: its definition as YAML text or as an object, or its folder as .tar.gz. `ifMatch`: its ETag. */
  deployAgent(definition: string | Uint8Array | object, options: ChangeAgent = {}): Promise<DeployedAgentBody> {
    const isWhole = typeof definition === "string" || definition instanceof Uint8Array;
    const content = isWhole ? definition : JSON.stringify(definition);
    const media = definition instanceof Uint8Array ? "gzip" : typeof definition === "string" ? "yaml" : "json";
    const upload = { media: `application/${media}`, content };
    return requests.json({ ...changing(options), method: "POST", path: adminAgents(), upload });
  },

  /** Deploys what `exportAgent` gave, of this server or another. */
  importAgent(archive: Uint8Array, options: ChangeAgent = {}): Promise<DeployedAgentBody> {
    const upload = { media: "application/gzip", content: archive };
    return requests.json({ ...changing(options), method: "POST", path: adminAgents("/import"), upload });
  },

  /** The agent's whole folder as .tar.gz. */
  exportAgent: (name: string): Promise<Uint8Array> =>
    requests.bytes({ method: "GET", path: adminAgents(`/${encodeURIComponent(name)}/export`) }),

  /** Takes a deployed agent back. */
  async removeAgent(name: string, options: ChangeAgent = {}): Promise<void> {
    await requests.text({ ...changing(options), method: "DELETE", path: adminAgents(`/${encodeURIComponent(name)}`) });
  },
});
