import { getRequestListener } from "@hono/node-server";
import { chmodSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";

import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/telemetry.ts";
import { DuragentError } from "../../schema/problem.ts";
import type { HttpSurface } from "./app.ts";
import { problemReply } from "./problem-reply.ts";
import { limitBodyTime, type BodyTime } from "./request/body-time.ts";
import { refuseMalformed } from "./refuse-malformed.ts";

const headerBytesMax = 16_384;
const headersMax = 100;
// Beyond the connections that are told to come back later, the rest is not even accepted.
const refusedConnectionsMax = 256;

export type ListenOptions = {
  /** `port` 0: any free one. */
  tcp?: { host: string; port: number } | undefined;
  /** A unix socket, made 0600; one that a dead server left is removed. */
  socketPath?: string | undefined;
  maxConnections: number;
  clock: Clock;
  log: Log;
};

/** A server that answers. `port` is the real one. */
export type Listener = {
  readonly port: number | undefined;
  readonly socketPath: string | undefined;
  /** Requests and streams that are open now. */
  readonly openRequests: () => number;
  /** Tells streams `bye`, lets requests end for at most `graceMs`, then cuts what is left. Resolves when all is closed. */
  close(reason: string, graceMs: number): Promise<void>;
};

/** Serves an app on TCP, on a unix socket, or on both. Throws when neither can be had. */
export async function listen({ app, drain }: HttpSurface, options: ListenOptions): Promise<Listener> {
  const open = new Set<ServerResponse>();
  const serve = (via: "tcp" | "unix", isOver: (socket: Socket) => boolean): Server => {
    const bodyTimes = new WeakMap<object, BodyTime>();
    const answer = getRequestListener(
      (request, { incoming, outgoing }) =>
        app.fetch(request, { incoming, outgoing, via, bodyTime: bodyTimes.get(incoming) }),
      {
        errorHandler: (error) => unreadable(error, options),
      },
    );
    const server = createServer(
      {
        maxHeaderSize: headerBytesMax,
        headersTimeout: 15_000,
        // See `limitBodyTime`.
        requestTimeout: 0,
        keepAliveTimeout: 65_000,
        noDelay: true,
      },
      (incoming, outgoing) => {
        open.add(outgoing);
        outgoing.once("close", () => open.delete(outgoing));
        if (isOver(incoming.socket)) return refuseConnection(incoming, outgoing, options.clock.ulid());
        const refuseLate = (): void => {
          const late = Object.assign(new Error("its body is late"), { code: "ERR_HTTP_REQUEST_TIMEOUT" });
          refuseMalformed(late, incoming.socket, options.clock.ulid());
        };
        bodyTimes.set(incoming, limitBodyTime(incoming, options.clock, refuseLate));
        // The listener answers every failure itself.
        void answer(incoming, outgoing);
      },
    );
    server.maxHeadersCount = headersMax;
    server.on("clientError", (error, socket) => refuseMalformed(error, socket, options.clock.ulid()));
    return server;
  };
  const servers: Server[] = [];
  let port: number | undefined;
  if (options.tcp) {
    const over = new WeakSet<Socket>();
    let connections = 0;
    const server = serve("tcp", (socket) => over.has(socket));
    server.maxConnections = options.maxConnections + refusedConnectionsMax;
    server.prependListener("connection", (socket: Socket) => {
      connections += 1;
      if (connections > options.maxConnections) over.add(socket);
      socket.once("close", () => (connections -= 1));
    });
    await started(server, () => server.listen(options.tcp));
    const address = server.address();
    port = typeof address === "object" ? address?.port : undefined;
    servers.push(server);
  }
  if (options.socketPath !== undefined) {
    const path = options.socketPath;
    const server = serve("unix", () => false);
    rmSync(path, { force: true });
    await started(server, () => listenPrivately(server, path));
    servers.push(server);
  }
  return {
    port,
    socketPath: options.socketPath,
    openRequests: () => open.size,
    async close(reason, graceMs) {
      drain(reason);
      const closed = servers.map(closing);
      for (const server of servers) server.closeIdleConnections();
      const cutAll = (): void => {
        for (const server of servers) server.closeAllConnections();
      };
      if (graceMs <= 0) cutAll();
      const cut = options.clock.after(graceMs, cutAll);
      await Promise.all(closed);
      cut();
    },
  };
}

function closing(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function started(server: Server, begin: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.once("listening", () => {
      server.off("error", reject);
      resolve();
    });
    begin();
  });
}

// The socket must never exist with wider rights, not even for a moment: `listen` binds before it returns.
function listenPrivately(server: Server, path: string): void {
  const before = process.umask(0o177);
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  server.once("listening", () => chmodSync(path, 0o600));
}

function refuseConnection(_incoming: IncomingMessage, outgoing: ServerResponse, requestId: string): void {
  const error = new DuragentError(
    "overloaded",
    "This server has as many connections as server.max_connections allows.",
    { retryAfterMs: 5000 },
  );
  const { status, headers, body } = problemReply(error, requestId);
  outgoing.writeHead(status, { ...headers, connection: "close" });
  outgoing.end(body);
}

/** What the adapter could not make a request of, e.g. a Host header that is no host. */
function unreadable(error: unknown, { log, clock }: ListenOptions): Response {
  const requestId = clock.ulid();
  const isTheirs = error instanceof Error && error.name === "RequestError";
  if (!isTheirs) log.error({ request_id: requestId, err: error }, "a request failed for a reason of ours");
  const wrong = isTheirs ? new DuragentError("bad-request", `The request can not be read: ${error.message}.`) : error;
  const { status, headers = {}, body } = problemReply(wrong, requestId);
  return new Response(body, { status, headers: { ...headers, "x-request-id": requestId, connection: "close" } });
}
