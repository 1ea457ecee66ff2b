import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";

import type { Clock } from "../../ports/clock.ts";
import type { Sandbox } from "../../ports/sandbox.ts";
import type { Log } from "../../ports/telemetry.ts";
import { withBoundedMessages } from "./bounded-response.ts";
import type { McpAgent, McpEntry } from "./server-entry.ts";
import { programOf } from "./start-program.ts";
import { StdioTransport } from "./stdio-transport.ts";

export type TransportParts = {
  sandbox: Sandbox;
  clock: Clock;
  log: Log;
  /** The minimal environment of programs; nothing of the server's own. */
  environment: Readonly<Record<string, string>>;
  /** `fetch` that reaches public addresses only: for definitions that anyone with access to the API may send. */
  webGuard(url: string | URL, init?: RequestInit): Promise<Response>;
};

/** What leads to a server: a child process, or streamable HTTP. Nothing is started yet. */
export async function openTransport(agent: McpAgent, entry: McpEntry, parts: TransportParts): Promise<Transport> {
  // Imported here: it costs a quarter of a second, and most agents have no MCP.
  const { deserializeMessage, StreamableHTTPClientTransport } = await import("@modelcontextprotocol/client");
  if (entry.url === undefined) {
    const parse = (line: string): JSONRPCMessage => deserializeMessage(line);
    return new StdioTransport({ program: programOf(agent, entry, parts), clock: parts.clock, log: parts.log, parse });
  }
  return new StreamableHTTPClientTransport(new URL(entry.url), {
    requestInit: { headers: { ...entry.headers } },
    fetch: withBoundedMessages(agent.home === "" ? parts.webGuard : fetch),
  });
}
