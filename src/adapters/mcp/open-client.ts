import type {
  Client,
  JsonSchemaValidator,
  jsonSchemaValidator,
  Tool as ListedTool,
  Transport,
} from "@modelcontextprotocol/client";

import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/telemetry.ts";
import { orAborted } from "../or-aborted.ts";
import { stopped } from "./stdio-transport.ts";

/** From its start until a server has said what tools it has: `npx` may have to fetch it first. */
const startTimeoutMs = 120_000;
/** A server that does not end when it is asked to is left to the kernel. */
const closeTimeoutMs = 5_000;
const toolsMax = 512;

export type OpenedClient = {
  client: Client;
  transport: Transport;
  tools: readonly ListedTool[];
  /** The server has said since that its tools are others. */
  isStale: boolean;
};

type Parts = { clock: Clock; log: Log; version: string; signal: AbortSignal; connect(): Promise<Transport> };

/** Connects, and asks for the tools, both within 120 s; throws with a reason, and then nothing of the server is left. */
export async function openClient(parts: Parts): Promise<OpenedClient> {
  const { clock, log, version } = parts;
  const { Client } = await import("@modelcontextprotocol/client");
  // What a server answers is shown, not trusted: to check it against the server's own schema would prove nothing.
  const client = new Client({ name: "duragent", version }, { jsonSchemaValidator: believing });
  client.onerror = (error) => log.debug({ error }, "MCP connection");
  const transport = await parts.connect();
  const late = new AbortController();
  const signal = AbortSignal.any([late.signal, parts.signal]);
  const disarm = clock.after(startTimeoutMs, () =>
    late.abort(new Error(`it did not say within ${startTimeoutMs / 1000} s what tools it has`)),
  );
  try {
    await orAborted(client.connect(transport, { signal, timeout: startTimeoutMs }), signal);
    const opened: OpenedClient = { client, transport, tools: [], isStale: false };
    client.setNotificationHandler("notifications/tools/list_changed", () => {
      opened.isStale = true;
    });
    opened.tools = await orAborted(listedTools(client, signal), signal);
    return opened;
  } catch (error) {
    await closeClient(clock, { client, transport });
    const reason = signal.aborted ? reasonOf(signal.reason) : (endOf(transport) ?? reasonOf(error));
    throw new Error(`${reason}${lastWordsOf(transport)}`, { cause: error });
  } finally {
    disarm();
  }
}

/** What it offers now, at most 512 tools. */
export async function listedTools(client: Client, signal?: AbortSignal): Promise<ListedTool[]> {
  const options = { timeout: startTimeoutMs, maxTotalTimeout: startTimeoutMs, ...(signal ? { signal } : {}) };
  const { tools } = await client.listTools(undefined, { ...options, cacheMode: "refresh" });
  if (tools.length > toolsMax) throw new Error(`it has ${tools.length} tools, ${toolsMax} are taken at most`);
  return tools;
}

/** Resolves when the connection is gone, and with stdio the process too. */
export async function closeClient(
  clock: Clock,
  { client, transport }: Pick<OpenedClient, "client" | "transport">,
): Promise<void> {
  const enough = new AbortController();
  const disarm = clock.after(closeTimeoutMs, () => enough.abort(new Error("not closed in time")));
  // The transport as well: a client that never got connected does not know it.
  const closing = Promise.allSettled([client.close(), transport.close()]);
  await orAborted(closing, enough.signal).catch(() => undefined);
  disarm();
}

/** Why a child has ended, in its transport's words. */
export const endOf = (transport: Transport): string | undefined =>
  "endedBy" in transport && typeof transport.endedBy === "string" && transport.endedBy !== stopped
    ? transport.endedBy
    : undefined;

/** Only of a child: it says there why it does not start. */
export const lastWordsOf = (transport: Transport): string =>
  "lastWords" in transport && typeof transport.lastWords === "string" && transport.lastWords !== ""
    ? `; it said: ${transport.lastWords}`
    : "";

/** Of an error whose message says all there is to say. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The message with that of what caused it: libraries put there what really happened. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return cause instanceof Error && !message.includes(cause.message) ? `${message}: ${reasonOf(cause)}` : message;
}

const believing: jsonSchemaValidator = {
  getValidator<Value>(): JsonSchemaValidator<Value> {
    return (input) => ({ valid: true, data: input as Value, errorMessage: undefined });
  },
};
