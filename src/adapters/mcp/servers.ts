import { createHash } from "node:crypto";
import { LRUCache } from "lru-cache";

import type { Tool } from "../../ports/tool.ts";
import { createArgumentChecks, type ArgumentCheck } from "./argument-check.ts";
import { McpServer, type McpServerParts } from "./mcp-server.ts";
import { fingerprintOf, mcpTool } from "./mcp-tool.ts";
import { messageOf } from "./open-client.ts";
import { openTransport, type TransportParts } from "./open-transport.ts";
import { mcpEntries, type McpAgent, type McpEntry } from "./server-entry.ts";
import { toolNames } from "./tool-names.ts";

/** Different servers at a time, of all agents; beyond that the one that was unused for longest is stopped. */
const serversMax = 256;
/** Compiled schemas. */
const checksMax = 4_096;

export type McpTools = { tools: Tool[]; problems: string[] };

/** The MCP servers of all agents: sessions whose agents configure a server alike share it. */
export interface McpServers {
  /** Starts what is not there, all at once, and waits at most about 10 s; who does not answer is a problem, and its tools are absent. Never throws. */
  toolsOf(agent: McpAgent): Promise<McpTools>;
  /** Names of the agent's servers that are being started now. */
  starting(agent: McpAgent): string[];
  /** Resolves when no server is left. */
  close(): Promise<void>;
}

type Parts = TransportParts & Pick<McpServerParts, "version" | "callTimeoutMs">;

/** As programs say that a name can not be looked up, or an address not be reached. */
const noNetwork = /EAI_AGAIN|ENOTFOUND|ENETUNREACH|name resolution|dns error|network is unreachable|resolve host/i;
const networkHint =
  "There is no network in the sandbox: install the server first (npm i -g …), or set sandbox.network: true in duragent.yaml";

/** Nothing is started before an agent asks for its tools. */
export function createMcpServers(parts: Parts): McpServers {
  const closing = new Set<Promise<void>>();
  const servers = new LRUCache<string, McpServer>({
    max: serversMax,
    dispose(server) {
      const closed = server.close().finally(() => closing.delete(closed));
      closing.add(closed);
    },
  });
  let isClosed = false;
  const checks = new LRUCache<string, ArgumentCheck>({ max: checksMax });

  const serverOf = (agent: McpAgent, entry: McpEntry): McpServer => {
    const key = keyOf(agent, entry);
    const known = servers.get(key);
    if (known) return known;
    if (isClosed) throw new Error("the server is shutting down");
    const log = parts.log.child({ agent: agent.name, mcp_server: entry.name });
    const server = new McpServer({ ...parts, log, connect: () => openTransport(agent, entry, { ...parts, log }) });
    servers.set(key, server);
    return server;
  };

  const toolsOfServer = async (agent: McpAgent, entry: McpEntry): Promise<McpTools> => {
    const problems: string[] = [];
    const say = (text: string): void => void problems.push(`MCP server ${entry.name}: ${text}`);
    try {
      const listed = new Map((await serverOf(agent, entry).tools()).map((tool) => [tool.name, tool]));
      const compile = await createArgumentChecks();
      const tools: Tool[] = [];
      for (const [name, tool] of toolNames(entry.name, [...listed.keys()], say)) {
        const found = listed.get(tool);
        if (!found) continue;
        const fingerprint = fingerprintOf(found);
        const check = checks.get(fingerprint) ?? compile(found.inputSchema);
        checks.set(fingerprint, check);
        if (check.unusable !== undefined)
          say(`the arguments of its tool ${JSON.stringify(tool)} are checked by itself only: ${check.unusable}`);
        tools.push(
          mcpTool({ name, serverName: entry.name, listed: found, check, server: () => serverOf(agent, entry) }),
        );
      }
      return { tools, problems };
    } catch (error) {
      const reason = messageOf(error);
      const isCutOff = parts.isOffline && entry.url === undefined && noNetwork.test(reason);
      say(isCutOff ? `${reason}. ${networkHint}` : reason);
      return { tools: [], problems };
    }
  };

  return {
    async toolsOf(agent) {
      const found = await Promise.all(mcpEntries(agent).map((entry) => toolsOfServer(agent, entry)));
      return withoutNamesakes(found);
    },
    starting: (agent) =>
      mcpEntries(agent)
        .filter((entry) => servers.peek(keyOf(agent, entry))?.isStarting)
        .map(({ name }) => name),
    async close() {
      isClosed = true;
      servers.clear();
      await Promise.all(closing);
    },
  };
}

/** `a` with the tool `b__c` and `a__b` with `c` meet in one name. */
function withoutNamesakes(found: readonly McpTools[]): McpTools {
  const problems = found.flatMap((one) => one.problems);
  const tools = new Map<string, Tool>();
  for (const tool of found.flatMap((one) => one.tools)) {
    const { name } = tool.definition;
    if (tools.has(name.toLowerCase())) problems.push(`a second MCP tool named ${name} is left out`);
    else tools.set(name.toLowerCase(), tool);
  }
  return { tools: [...tools.values()], problems };
}

const keyOf = ({ name, home, workspace, readable }: McpAgent, entry: McpEntry): string =>
  createHash("sha256")
    .update(JSON.stringify([name, home, workspace, readable, entry]))
    .digest("hex");
