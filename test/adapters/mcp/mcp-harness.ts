import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";

import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import type { TransportParts } from "../../../src/adapters/mcp/open-transport.ts";
import type { McpAgent, McpEntry } from "../../../src/adapters/mcp/server-entry.ts";
import { createMcpServers } from "../../../src/adapters/mcp/servers.ts";
import type { Clock } from "../../../src/ports/clock.ts";
import type { Sandbox } from "../../../src/ports/sandbox.ts";
import type { Log } from "../../../src/ports/telemetry.ts";
import type { Tool } from "../../../src/ports/tool.ts";
import type { ToolResult } from "../../../src/schema/session-event.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { toolContext } from "../../support/tool-context.ts";

export const openField: Sandbox = {
  kind: "none",
  inForce: [],
  warnings: [],
  confine: ({ argv, cwd, env }) => ({ argv, cwd, env }),
};

const oddServer = join(import.meta.dirname, "programs", "odd-server.mjs");

type Options = {
  sandbox?: Sandbox;
  clock?: Clock;
  callTimeoutMs?: number;
  home?: string;
  isOffline?: boolean;
  webGuard?: TransportParts["webGuard"];
  watch?: TransportParts["watch"];
  environment?: Record<string, string>;
};

/** The servers of one agent, in folders of their own, stopped when the test ends. */
export async function mcpHarness(t: Pick<TestContext, "after">, options: Options = {}) {
  const folder = await temporaryFolder(t);
  const workspace = join(folder, "data", "workspace", "tester");
  const home = options.home ?? join(folder, "agents", "tester");
  await mkdir(workspace, { recursive: true });
  if (home !== "") await mkdir(home, { recursive: true });
  const journal = join(workspace, "journal.txt");
  await writeFile(journal, "");
  const logged: { level: string; message: string; fields: unknown }[] = [];

  const clock = options.clock ?? createSystemClock();
  const servers = createMcpServers({
    sandbox: options.sandbox ?? openField,
    clock,
    log: recordingLog(logged),
    version: "1.2.3",
    isOffline: options.isOffline ?? false,
    deployedFolder: join(folder, "data", "sys", "dyn_agents"),
    environment: { PATH: process.env["PATH"] ?? "", HOME: workspace, ...options.environment },
    webGuard: options.webGuard ?? (() => Promise.reject(new Error("no web"))),
    ...(options.watch ? { watch: options.watch } : {}),
    ...(options.callTimeoutMs === undefined ? {} : { callTimeoutMs: options.callTimeoutMs }),
  });
  t.after(() => servers.close());

  const agentWith = (...tools: McpEntry[]): McpAgent => ({
    name: "tester",
    home,
    workspace,
    readable: [],
    definition: { spec: { tools } },
  });
  const odd = (manner = "well-behaved", name = "odd"): McpEntry => ({
    type: "mcp",
    name,
    command: process.execPath,
    args: [oddServer, manner, journal],
  });
  const journalLines = async (): Promise<string[]> => (await readFile(journal, "utf8")).split("\n").filter(Boolean);
  return { folder, workspace, home, servers, logged, agentWith, odd, journalLines };
}

function recordingLog(logged: { level: string; message: string; fields: unknown }[]): Log {
  const at = (level: string) => (fields: unknown, message: string) => void logged.push({ level, message, fields });
  const log: Log = { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error"), child: () => log };
  return log;
}

export const namesOf = (tools: readonly Tool[]): string[] => tools.map(({ definition }) => definition.name);

export function toolNamed(tools: readonly Tool[], name: string): Tool {
  const tool = tools.find(({ definition }) => definition.name === name);
  if (!tool) throw new Error(`there is no tool ${name} among ${namesOf(tools).join(", ")}`);
  return tool;
}

/** Runs a tool as the runtime does, and keeps what it said meanwhile. */
export async function callTool(
  tool: Tool,
  args: unknown = {},
  signal: AbortSignal = new AbortController().signal,
): Promise<ToolResult & { output: string }> {
  let output = "";
  const context = toolContext({ signal, onOutput: (text) => (output += text) });
  const result = await tool.run(
    { call_id: "call_1", tool_name: tool.definition.name, arguments: args as never },
    context,
  );
  return { ...result, output };
}

export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    // ESRCH: there is none.
    return false;
  }
}
