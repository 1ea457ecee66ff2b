import type { Agent, ClientRequest } from "node:http";

import { ServerUnreachable, type ApiRequest, type ApiResponse, type Transport } from "./transport.ts";

export type NodePlace = { baseUrl: string } | { socketPath: string };

/**
 * Requests over `node:http`, which reaches unix sockets and, other than Node's `fetch`, lets an answer take as long
 * as its turn does.
 */
export function nodeTransport(place: NodePlace): Transport {
  const target = "socketPath" in place ? { socketPath: place.socketPath } : addressOf(place.baseUrl);
  const shown = "socketPath" in place ? place.socketPath : place.baseUrl;
  let agent: Agent | undefined;
  return async ({ method, path, headers, body, signal }: ApiRequest): Promise<ApiResponse> => {
    const secure = "protocol" in target && target.protocol === "https:";
    const { Agent: NewAgent, request } = secure ? await import("node:https") : await import("node:http");
    agent ??= new NewAgent({ keepAlive: true });
    const used = agent;
    const basePath = "basePath" in target ? target.basePath : "";
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const outgoing = request({
        ...("socketPath" in target ? { socketPath: target.socketPath } : { host: target.host, port: target.port }),
        method,
        path: `${basePath}${path}`,
        headers: {
          host: "socketPath" in target ? "localhost" : target.hostHeader,
          ...(isWhole(body) ? { "content-length": `${Buffer.byteLength(body)}` } : {}),
          ...headers,
        },
        agent: used,
      });
      // Without an error, and so not with the `signal` of Node's own: one that is thrown at a socket whose answer has
      // just ended, but which the agent has not taken back yet, is heard by nobody and ends the process.
      const letGo = (): void => void outgoing.destroy();
      signal?.addEventListener("abort", letGo, { once: true });
      outgoing.once("close", () => signal?.removeEventListener("abort", letGo));
      outgoing.on("response", (incoming) => {
        resolve({
          status: incoming.statusCode ?? 0,
          header(name) {
            const value = incoming.headers[name.toLowerCase()];
            return Array.isArray(value) ? value.join(", ") : value;
          },
          body: incoming,
        });
      });
      outgoing.on("error", (error) => reject(signal?.aborted ? reasonOf(signal) : new ServerUnreachable(shown, error)));
      if (body === undefined || isWhole(body)) outgoing.end(body);
      else send(body, outgoing).catch(reject);
    });
  };
}

const isWhole = (body: ApiRequest["body"]): body is string | Uint8Array<ArrayBuffer> =>
  typeof body === "string" || body instanceof Uint8Array;

const reasonOf = ({ reason }: AbortSignal): Error =>
  reason instanceof Error ? reason : new Error("aborted", { cause: reason });

/** As fast as it is taken. Rejects with what the content throws; what the connection has to say, `outgoing` says itself. */
async function send(content: AsyncIterable<Uint8Array>, outgoing: ClientRequest): Promise<void> {
  try {
    for await (const chunk of content) {
      if (outgoing.closed) return;
      if (!outgoing.write(chunk)) await takenOrClosed(outgoing);
    }
    outgoing.end();
  } catch (error) {
    outgoing.destroy();
    throw error;
  }
}

function takenOrClosed(outgoing: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      outgoing.off("drain", go).off("close", go);
      resolve();
    };
    outgoing.on("drain", go).on("close", go);
    if (outgoing.closed) go();
  });
}

function addressOf(baseUrl: string) {
  const url = new URL(baseUrl);
  return {
    protocol: url.protocol,
    host: url.hostname.replace(/^\[|\]$/g, ""),
    port: url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port),
    hostHeader: url.host,
    basePath: url.pathname.replace(/\/+$/, ""),
  };
}
