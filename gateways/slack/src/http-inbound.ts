import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

import { CommandFailure } from "@duragent/gateway-protocol";
import { z } from "zod";

import { isSigned } from "./signature.ts";

const bodyBytesMax = 1024 * 1024;
const requestWaitMs = 10_000;
const connectionsMax = 500;

const challengeSchema = z.object({ type: z.literal("url_verification"), challenge: z.string().max(1_000) });

type HttpOptions = {
  readonly host: string;
  readonly port: number;
  readonly signingSecret: string;
  /** Whether Slack may be told that it came. */
  readonly take: (body: unknown) => Promise<boolean>;
};

/** Events and presses as requests that Slack signs: any path, so that one address serves both. */
export class HttpInbound {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async open(options: HttpOptions): Promise<HttpInbound> {
    const server = createServer(
      { requestTimeout: requestWaitMs, headersTimeout: requestWaitMs },
      (request, response) => {
        void answer(request, response, options);
      },
    );
    server.maxConnections = connectionsMax;
    await new Promise<void>((resolve, reject) => {
      server.once("error", (error) => {
        const where = `http.host and http.port of this gateway: ${options.host}:${options.port}`;
        reject(new CommandFailure("invalid_request", `nothing can listen there (${where}): ${error.message}`));
      });
      server.listen(options.port, options.host, resolve);
    });
    return new HttpInbound(server);
  }

  isConnected(): boolean {
    return this.#server.listening;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

async function answer(request: IncomingMessage, response: ServerResponse, options: HttpOptions): Promise<void> {
  try {
    const { status, text } = await answerOf(request, options);
    response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(text);
  } catch {
    // The connection ended, or the body is none of Slack's: it is signed, so that only Slack's own faults come here.
    if (response.headersSent) response.destroy();
    else response.writeHead(400).end();
  }
}

type Answer = { readonly status: number; readonly text: string };

async function answerOf(request: IncomingMessage, { signingSecret, take }: HttpOptions): Promise<Answer> {
  if (request.method !== "POST") return { status: 405, text: "only POST" };
  const body = await bodyOf(request);
  if (body === undefined) return { status: 413, text: "too long" };
  const [timestamp, signature] = [header(request, "x-slack-request-timestamp"), header(request, "x-slack-signature")];
  if (!isSigned({ secret: signingSecret, timestamp, signature, body, nowMs: Date.now() }))
    return { status: 401, text: "not signed by Slack, or too old" };
  const payload = payloadOf(request.headers["content-type"] ?? "", body.toString("utf8"));
  const challenge = challengeSchema.safeParse(payload);
  if (challenge.success) return { status: 200, text: challenge.data.challenge };
  // Anything but 200 and Slack delivers it again.
  return (await take(payload)) ? { status: 200, text: "" } : { status: 503, text: "not taken" };
}

function header(request: IncomingMessage, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === "string" ? value : undefined;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = z.instanceof(Buffer).parse(chunk);
    size += bytes.length;
    // What is too long is read to its end and thrown away, within the time of a request: else the answer is lost with it.
    if (size > bodyBytesMax) chunks.length = 0;
    else chunks.push(bytes);
  }
  return size > bodyBytesMax ? undefined : Buffer.concat(chunks);
}

/** Events are JSON; presses are a form with JSON in it. */
function payloadOf(contentType: string, text: string): unknown {
  const json = contentType.startsWith("application/x-www-form-urlencoded")
    ? (new URLSearchParams(text).get("payload") ?? "{}")
    : text;
  const payload: unknown = JSON.parse(json);
  return payload;
}
