import { mkdir } from "node:fs/promises";

import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";

import type { Clock } from "../../ports/clock.ts";
import type { Sandbox } from "../../ports/sandbox.ts";
import type { Log } from "../../ports/telemetry.ts";
import { withBoundedMessages } from "./bounded-response.ts";
import { isForeign, type McpAgent, type McpEntry } from "./server-entry.ts";
import { programOf } from "./start-program.ts";
import { StdioTransport } from "./stdio-transport.ts";

export type TransportParts = {
  sandbox: Sandbox;
  clock: Clock;
  log: Log;
  /** Where agents lie that were deployed over the API. */
  deployedFolder: string;
  /** Whether the sandbox gives programs no network. */
  isOffline: boolean;
  /** The minimal environment of programs; nothing of the server's own. */
  environment: Readonly<Record<string, string>>;
  /** `fetch` that reaches public addresses only: for definitions that anyone with access to the API may send. */
  webGuard(url: string | URL, init?: RequestInit): Promise<Response>;
  /**
   * Sees to it that a process group, and whatever has `mark` in its environment, ends when this program does. Without it a server
   * outside of a sandbox is told so by the end of its stdin only.
   */
  watch?(group: number, mark: string): () => void;
};

/** What leads to a server: a child process, or streamable HTTP. Nothing is started yet. */
export async function openTransport(agent: McpAgent, entry: McpEntry, parts: TransportParts): Promise<Transport> {
  // Imported here: it costs a quarter of a second, and most agents have no MCP.
  const { deserializeMessage, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  if (entry.url === undefined) {
    const parse = (line: string): JSONRPCMessage => deserializeMessage(line);
    await mkdir(agent.workspace, { recursive: true, mode: 0o700 });
    // Where there is no network npx says so at once, and not after half a minute of trying.
    const npm = { npm_config_fetch_retries: "0" };
    const environment = parts.isOffline ? { ...npm, ...parts.environment } : parts.environment;
    const program = programOf(agent, entry, { ...parts, environment });
    const { clock, log, watch } = parts;
    return new StdioTransport({ program, clock, log, parse, ...(watch ? { watch } : {}) });
  }
  return new StreamableHTTPClientTransport(new URL(entry.url), {
    requestInit: { headers: { ...entry.headers } },
    fetch: withBoundedMessages(isForeign(agent, parts.deployedFolder) ? parts.webGuard : fetch),
  });
}
