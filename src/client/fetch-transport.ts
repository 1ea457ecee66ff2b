import { ServerUnreachable, type ApiRequest, type ApiResponse, type Transport } from "./transport.ts";

/** Requests over `fetch`: browsers, and wherever else there is no `node:http`. */
export function fetchTransport(baseUrl: string, send: typeof fetch): Transport {
  const base = baseUrl.replace(/\/+$/, "");
  return async ({ method, path, headers, body, signal }: ApiRequest): Promise<ApiResponse> => {
    let response: Response;
    const content = bodyOf(body);
    try {
      response = await send(`${base}${path}`, { method, headers, ...content.init, signal: signal ?? null });
    } catch (error) {
      signal?.throwIfAborted();
      // Fetch says no more than that it failed.
      content.failure?.throw();
      throw new ServerUnreachable(base, error);
    }
    return {
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      body: chunksOf(response.body),
    };
  };
}

type Content = { init: RequestInit; failure?: { throw(): never } };

/** What fetch takes; `failure` once content that comes in pieces has failed by itself. */
function bodyOf(body: ApiRequest["body"]): Content {
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array)
    return { init: { body: body ?? null } };
  const pieces = body;
  async function* watched(): AsyncGenerator<Uint8Array> {
    try {
      yield* pieces;
    } catch (error) {
      const raise = (): never => {
        throw error;
      };
      content.failure = { throw: raise };
      throw error;
    }
  }
  // Without `duplex` what comes in pieces is refused.
  const content: Content = { init: { body: ReadableStream.from(watched()), duplex: "half" } };
  return content;
}

// Not every browser can iterate over a ReadableStream.
async function* chunksOf(stream: ReadableStream<Uint8Array> | null): AsyncIterable<Uint8Array> {
  if (!stream) return;
  const reader = stream.getReader();
  let finished = false;
  try {
    while (!finished) {
      const { done, value } = await reader.read();
      finished = done;
      if (value) yield value;
    }
  } finally {
    if (!finished) await reader.cancel();
  }
}
