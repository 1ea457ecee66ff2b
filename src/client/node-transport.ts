import type { Agent } from "node:http";

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
    return new Promise((resolve, reject) => {
      const outgoing = request({
        ...("socketPath" in target ? { socketPath: target.socketPath } : { host: target.host, port: target.port }),
        method,
        path: `${basePath}${path}`,
        headers: {
          host: "socketPath" in target ? "localhost" : target.hostHeader,
          ...(body === undefined ? {} : { "content-length": `${Buffer.byteLength(body)}` }),
          ...headers,
        },
        agent: used,
        ...(signal === undefined ? {} : { signal }),
      });
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
      outgoing.on("error", (error) => reject(signal?.aborted ? error : new ServerUnreachable(shown, error)));
      outgoing.end(body);
    });
  };
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
