import { resolve } from "node:path";

import { findProgram, isExecutable } from "../../adapters/find-program.ts";
import { mcpEntries, type McpEntry } from "../../adapters/mcp/server-entry.ts";
import type { AgentCatalog } from "../../runtime/agents/catalog-types.ts";
import type { Check } from "../../surfaces/cli/ground.ts";

type Facts = {
  catalog: AgentCatalog;
  env: Readonly<Record<string, string | undefined>>;
  online: boolean;
  /** Whether a sandbox is wanted that gives programs no network. */
  isOffline: boolean;
};

/** What they start they fetch first, unless it is there. */
const fetching: ReadonlySet<string> = new Set(["npx", "bunx", "pnpx", "uvx", "pipx"]);

/** A server that does not answer in this time makes its agents wait. */
const answerTimeoutMs = 10_000;

/** MCP servers of agents: whether their programs are there, and with `online` whether those at a URL answer. None is started. */
export async function checkMcp({ catalog, env, online, isOffline }: Facts): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { name } of catalog.list()) {
    const agent = await catalog.get(name);
    if (agent === undefined) continue;
    for (const entry of mcpEntries(agent)) {
      const label = `${name}: MCP server ${entry.name}`;
      if (entry.url === undefined) {
        checks.push(...(await checkProgram(label, entry, agent.home, env)));
        if (isOffline && fetching.has(entry.command ?? "")) checks.push(cutOff(label, entry.command ?? ""));
      } else if (online) checks.push(await checkUrl(label, entry, entry.url));
    }
  }
  return checks;
}

async function checkProgram(label: string, entry: McpEntry, home: string, env: Facts["env"]): Promise<Check[]> {
  const command = entry.command ?? "";
  const isThere = command.includes("/")
    ? await isExecutable(resolve(home, command))
    : (await findProgram(command, entry.env?.["PATH"] ?? env["PATH"] ?? "")) !== undefined;
  if (isThere) return [];
  const where = command.includes("/") ? "" : " on the PATH";
  return [
    {
      status: "warn",
      message: `${label}: there is no program ${command}${where}`,
      remedy: "install it, or mend the command in agent.yaml",
    },
  ];
}

const cutOff = (label: string, command: string): Check => ({
  status: "warn",
  message: `${label}: ${command} may have to fetch it, and there is no network in the sandbox`,
  remedy: "install the server and name its own program as command, or set sandbox.network: true in duragent.yaml",
});

async function checkUrl(label: string, entry: McpEntry, url: string): Promise<Check> {
  try {
    const headers = { ...entry.headers, accept: "text/event-stream" };
    const response = await fetch(url, { headers, redirect: "manual", signal: AbortSignal.timeout(answerTimeoutMs) });
    await response.body?.cancel();
    if (response.status !== 401 && response.status !== 403) return { status: "ok", message: `${label}: it answers` };
    return {
      status: "warn",
      message: `${label}: ${url} answered ${response.status}`,
      remedy: 'give what it asks for in the entry\'s "headers"',
    };
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    return {
      status: "warn",
      message: `${label}: ${url} does not answer: ${cause instanceof Error ? cause.message : String(cause)}`,
      remedy: "start that server, or mend the url in agent.yaml",
    };
  }
}
