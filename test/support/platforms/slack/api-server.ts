import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

import { malformed, methods, refused, type Arguments, type Method, type Result } from "./methods.ts";
import { Uploads } from "./uploads.ts";
import type { Workspace } from "./workspace.ts";

export const tokens = {
  bot: "xoxb-1-test-token",
  app: "xapp-1-test-token",
  signingSecret: "a-signing-secret",
} as const;

const sending = new Set(["chat.postMessage", "files.completeUploadExternal"]);
const counted = new Set([...sending, "chat.update", "chat.postEphemeral"]);

/** Slack's Web API over HTTP: tokens, arguments, limits of rate, and cut connections. */
export class ApiServer {
  /** 200, 429, or 400 for what Slack answers with 200 and `"ok": false`. */
  readonly calls: { method: string; status: number }[] = [];
  readonly #workspace: Workspace;
  readonly #server: Server;
  readonly #uploads = new Uploads((id) => `${this.origin}/upload/${id}`);
  readonly #methods: Readonly<Record<string, Method>>;
  readonly #sockets = new Set<Socket>();
  #isReachable = true;
  #limitNextSeconds: number | undefined;
  #cutNext = false;

  private constructor(workspace: Workspace, connectionUrl: () => string) {
    this.#workspace = workspace;
    const open: Method = { needs: [], takes: [], call: () => ({ ok: true, url: connectionUrl() }) };
    this.#methods = { ...methods, ...this.#uploads.methods, "apps.connections.open": open };
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
      if (!this.#isReachable) socket.destroy();
    });
  }

  static async listen(workspace: Workspace, connectionUrl: () => string): Promise<ApiServer> {
    const api = new ApiServer(workspace, connectionUrl);
    await new Promise<void>((resolve) => api.#server.listen(0, "127.0.0.1", resolve));
    return api;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the platform does not listen");
    return (address satisfies AddressInfo).port;
  }

  onUpgrade(take: (request: IncomingMessage, socket: Duplex, head: Buffer) => void): void {
    this.#server.on("upgrade", take);
  }

  rateLimitNext(retryAfterSeconds: number): void {
    this.#limitNextSeconds = retryAfterSeconds;
  }

  cutNext(): void {
    this.#cutNext = true;
  }

  setReachable(reachable: boolean): void {
    this.#isReachable = reachable;
    if (!reachable) this.dropConnections();
  }

  dropConnections(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.dropConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const [, place = "", name = ""] = (request.url ?? "").split("?")[0]?.split("/") ?? [];
    if (place === "upload") return this.#upload(name, request, body, response);
    if (sending.has(name) && this.#limitNextSeconds !== undefined) return this.#limit(name, response);
    const result = this.#call(place, name, request, body);
    this.#note(name, result.ok ? 200 : 400);
    if (!result.ok && malformed.has(result.error)) {
      const { error, why } = refused(result.error, typeof result["why"] === "string" ? result["why"] : undefined);
      this.#workspace.violations.push(`${name}: ${error}${why === undefined ? "" : `: ${why}`}`);
    }
    if (sending.has(name) && this.#cutNext) {
      this.#cutNext = false;
      request.socket.destroy();
      return;
    }
    response.writeHead(200, { "content-type": "application/json; charset=utf-8" }).end(JSON.stringify(result));
  }

  #limit(name: string, response: ServerResponse): void {
    const seconds = this.#limitNextSeconds ?? 0;
    this.#limitNextSeconds = undefined;
    this.#note(name, 429);
    response
      .writeHead(429, { "content-type": "application/json", "retry-after": String(seconds) })
      .end(JSON.stringify(refused("ratelimited")));
  }

  #note(method: string, status: number): void {
    if (counted.has(method)) this.calls.push({ method, status });
  }

  #call(place: string, name: string, request: IncomingMessage, body: Buffer): Result {
    const method = this.#methods[name];
    if (place !== "api" || request.method !== "POST" || !method) return refused("unknown_method", request.url);
    const given: Arguments = Object.fromEntries(new URLSearchParams(body.toString("utf8")));
    return (
      tokenFault(request.headers.authorization, name) ??
      argumentFault(given, method) ??
      method.call(given, this.#workspace)
    );
  }

  #upload(id: string, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
    const isTaken = this.#uploads.take(id, fileOf(request.headers["content-type"] ?? "", body));
    if (!isTaken) this.#workspace.violations.push(`upload of ${id}: not the bytes that were announced`);
    response.writeHead(isTaken ? 200 : 400).end(isTaken ? "OK" : "wrong length");
  }
}

function tokenFault(authorization: string | undefined, method: string): Result | undefined {
  const token = /^Bearer (.+)$/.exec(authorization ?? "")?.[1];
  if (token === undefined) return refused("not_authed");
  const [right, other] = method === "apps.connections.open" ? [tokens.app, tokens.bot] : [tokens.bot, tokens.app];
  if (token === right) return undefined;
  return refused(token === other ? "not_allowed_token_type" : "invalid_auth");
}

function argumentFault(given: Arguments, { needs, takes }: Method): Result | undefined {
  const names = Object.keys(given);
  const missing = needs.filter((name) => !names.includes(name));
  if (missing.length > 0) return refused("invalid_arguments", `missing: ${missing.join(", ")}`);
  const unknown = names.filter((name) => ![...needs, ...takes].includes(name));
  return unknown.length > 0 ? refused("invalid_arg_name", `unknown: ${unknown.join(", ")}`) : undefined;
}

/** The one file of a form, or the body itself: both are allowed. */
function fileOf(contentType: string, body: Buffer): Buffer {
  const boundary = /^multipart\/form-data;\s*boundary="?([^";]+)/.exec(contentType)?.[1];
  if (boundary === undefined) return body;
  const start = body.indexOf("\r\n\r\n") + 4;
  return body.subarray(start, body.indexOf(`\r\n--${boundary}`, start));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}
