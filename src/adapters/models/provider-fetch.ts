import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as requestHttps } from "node:https";

type Fetch = typeof globalThis.fetch;

// A connection that has been free for longer may be closed by the other side at the very moment it is used again.
const freeConnectionMs = 4000;

/**
 * A `fetch` for model calls: the provider packages post one text and read one stream, for which the global `fetch` costs
 * half of all that a turn costs. Whatever else is asked for, and redirects, go to `fallback`. Fails with the same errors.
 */
export function createProviderFetch(fallback: Fetch): Fetch {
  // As the global `fetch` does it.
  const proxyEnv = process.env["NODE_USE_ENV_PROXY"] === "1" ? process.env : undefined;
  const options = { keepAlive: true, timeout: freeConnectionMs, ...(proxyEnv && { proxyEnv }) };
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };
  return async (input, init) => {
    const url = input instanceof Request ? null : new URL(input);
    const body = init?.body;
    const isPlain = init?.method === "POST" && typeof body === "string" && (init.redirect ?? "follow") === "follow";
    if (url === null || !isPlain || !/^https?:$/.test(url.protocol) || url.username !== "")
      return fallback(input, init);
    const response = await post(url, agents, {
      headers: headersOf(init.headers),
      body,
      signal: init.signal ?? null,
    });
    const status = response.statusCode ?? 0;
    if (status < 300 || status >= 400) return answerOf(response);
    response.destroy();
    return fallback(input, init);
  };
}

type Post = { headers: Record<string, string>; body: string; signal: AbortSignal | null };

function post(
  url: URL,
  agents: { http: HttpAgent; https: HttpsAgent },
  { headers, body, signal }: Post,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const isHttps = url.protocol === "https:";
    const request = (isHttps ? requestHttps : requestHttp)(url, {
      method: "POST",
      agent: isHttps ? agents.https : agents.http,
      headers: { accept: "*/*", ...headers, "content-length": String(Buffer.byteLength(body)) },
    });
    const abort = (): void =>
      void request.destroy(signal?.reason instanceof Error ? signal.reason : new Error("aborted"));
    signal?.addEventListener("abort", abort);
    request.once("close", () => signal?.removeEventListener("abort", abort));
    request.once("response", resolve);
    request.on("error", (error) => {
      // The words of the global `fetch`, by which a provider's package knows that it may be tried again.
      const failure: unknown = signal?.aborted ? signal.reason : new TypeError("fetch failed", { cause: error });
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- an abort has the reason that its caller gave it
      reject(failure);
    });
    request.end(body);
  });
}

function headersOf(given: NonNullable<Parameters<Fetch>[1]>["headers"]): Record<string, string> {
  return Object.fromEntries(new Headers(given));
}

function answerOf(response: IncomingMessage): Response {
  const headers = new Headers();
  for (const [name, values = []] of Object.entries(response.headersDistinct)) {
    for (const value of values) headers.append(name, value);
  }
  const status = response.statusCode ?? 0;
  const isEmpty = status === 204 || status === 205;
  if (isEmpty) response.resume();
  return new Response(isEmpty ? null : bodyOf(response), { status, statusText: response.statusMessage ?? "", headers });
}

function bodyOf(response: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> {
  let over = false;
  return new ReadableStream({
    start(controller) {
      response.on("data", (chunk: Buffer<ArrayBuffer>) => {
        // What was read already still comes after the reader has left.
        if (over) return;
        controller.enqueue(chunk);
        if ((controller.desiredSize ?? 0) <= 0) response.pause();
      });
      response.once("end", () => {
        if (!over) controller.close();
        over = true;
      });
      response.on("error", (error) => {
        if (!over) controller.error(new TypeError("terminated", { cause: error }));
        over = true;
      });
    },
    pull() {
      response.resume();
    },
    cancel() {
      over = true;
      response.destroy();
    },
  });
}
