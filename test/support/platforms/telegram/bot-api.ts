import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { isJson, methods } from "./methods.ts";
import { malformed, misplaced, Refusal } from "./refusal.ts";
import { Updates } from "./updates.ts";
import { World, type Json } from "./world.ts";

/** What is done to the next call that sends. */
type Trick =
  | { readonly kind: "limit"; readonly retryAfterSeconds: number }
  | { readonly kind: "cut" }
  | { readonly kind: "fail"; readonly status: number; readonly description: string };

/** Telegram's Bot API on 127.0.0.1, written from core.telegram.org/bots/api, for one bot. */
export class BotApi {
  readonly world = new World();
  readonly calls: { method: string; status: number; given: Json }[] = [];
  readonly violations: string[] = [];
  readonly tricks: Trick[] = [];
  readonly files = new Map<string, Buffer>();
  /** Awaited before a call is done, and after it before it is answered. */
  beforeCall: (method: string) => Promise<void> | void = () => undefined;
  beforeAnswer: (method: string) => Promise<void> | void = () => undefined;
  /** HTML that it does not take, though it is right: as a newer or older Telegram might. */
  unreadable: RegExp | undefined;
  isReachable = true;
  readonly #server: Server;
  readonly #updates = new Updates(this.world);

  constructor() {
    this.#server = createServer((request, response) => {
      response.on("error", () => response.destroy());
      void this.#take(request, response);
    });
  }

  async listen(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
  }

  get url(): string {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the server has no port");
    return `http://127.0.0.1:${address.port}`;
  }

  dropConnections(): void {
    this.#server.closeAllConnections();
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.isReachable) return void request.socket.destroy();
    const [, isFile, token, rest = ""] = /^\/(file\/)?bot([^/]+)\/(.+)$/.exec(request.url ?? "") ?? [];
    if (isFile) return this.#file(rest, token, response);
    let given: Json = {};
    const answer = (status: number, body: Json): void => {
      if (/^(?:send(?!ChatAction)|edit)/.test(rest)) this.calls.push({ method: rest, status, given });
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    try {
      given = await readBody(request);
      if (token !== this.world.bot.token) throw new Refusal(401, "Unauthorized");
      if (rest === "getUpdates") return this.#ask(given, response, answer);
      const trick = /^send(?!ChatAction)/.test(rest) ? this.tricks.shift() : undefined;
      if (trick?.kind === "limit")
        throw new Refusal(429, `Too Many Requests: retry after ${trick.retryAfterSeconds}`, {
          parameters: { retry_after: trick.retryAfterSeconds },
        });
      if (trick?.kind === "fail") throw new Refusal(trick.status, trick.description);
      await this.beforeCall(rest);
      if (given.parse_mode === "HTML" && this.unreadable?.test(String(given.text)))
        throw misplaced("can't parse entities: unsupported start tag");
      const result = this.#call(rest, given);
      await this.beforeAnswer(rest);
      if (trick?.kind !== "cut") return answer(200, { ok: true, result });
      this.calls.push({ method: rest, status: 0, given });
      request.socket.destroy();
    } catch (error) {
      this.#refuse(error, rest, given, answer);
    }
  }

  #call(name: string, given: Json): unknown {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (!method) throw new Refusal(404, "Not Found", { isMalformed: true });
    const unknown = Object.keys(given).filter((key) => !method.parameters.includes(key));
    if (unknown.length > 0) throw malformed(`unknown parameters ${unknown.join(", ")}`);
    return method.call(this.world, given);
  }

  #ask(given: Json, response: ServerResponse, answer: (status: number, body: Json) => void): void {
    const gone = this.#updates.ask(given, (updates) => {
      if (updates instanceof Refusal) this.#refuse(updates, "getUpdates", given, answer);
      else answer(200, { ok: true, result: updates });
    });
    response.once("close", gone);
  }

  #refuse(error: unknown, method: string, given: Json, answer: (status: number, body: Json) => void): void {
    if (!(error instanceof Refusal)) throw error;
    if (error.isMalformed) this.violations.push(`${method} ${JSON.stringify(given)}: ${error.message}`);
    answer(error.status, {
      ok: false,
      error_code: error.status,
      description: error.message,
      ...(error.parameters && { parameters: error.parameters }),
    });
  }

  #file(path: string, token: string | undefined, response: ServerResponse): void {
    const bytes = this.files.get(path);
    if (bytes && token === this.world.bot.token) response.writeHead(200).end(bytes);
    else response.writeHead(404).end();
  }
}

async function readBody(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const type = request.headers["content-type"] ?? "";
  if (type.startsWith("multipart/form-data")) return readForm(body, type);
  if (body.length === 0) return {};
  const parsed: unknown = JSON.parse(body.toString());
  if (!isJson(parsed)) throw malformed("can't parse request JSON object");
  return parsed;
}

/** Fields of a form, those that are JSON read as such; a file as `NAME (SIZE bytes)`. */
async function readForm(body: Buffer, type: string): Promise<Json> {
  // oxlint-disable-next-line typescript/no-deprecated -- what is deprecated of it is taking forms of strangers
  const form = await new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
  const fields = new Map<string, unknown>();
  for (const [name, value] of form) {
    if (typeof value !== "string") fields.set(name, `${value.name} (${value.size} bytes)`);
    else fields.set(name, /^[{[]|^(?:true|false|-?\d+)$/.test(value) ? JSON.parse(value) : value);
  }
  for (const [name, value] of fields) {
    const attached = typeof value === "string" ? /^attach:\/\/(.+)$/.exec(value)?.[1] : undefined;
    if (attached === undefined) continue;
    fields.set(name, fields.get(attached));
    fields.delete(attached);
  }
  return Object.fromEntries(fields);
}
