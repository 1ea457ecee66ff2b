import { ServerUnreachable, type ApiRequest, type ApiResponse, type Transport } from "./transport.ts";

/** Requests over `fetch`: browsers, and wherever else there is no `node:http`. */
export function fetchTransport(baseUrl: string, send: typeof fetch): Transport {
  const base = baseUrl.replace(/\/+$/, "");
  return async ({ method, path, headers, body, signal }: ApiRequest): Promise<ApiResponse> => {
    let response: Response;
    try {
      response = await send(`${base}${path}`, { method, headers, body: body ?? null, signal: signal ?? null });
    } catch (error) {
      signal?.throwIfAborted();
      throw new ServerUnreachable(base, error);
    }
    return {
      status: response.status,
      header: (name) => response.headers.get(name) ?? undefined,
      body: chunksOf(response.body),
    };
  };
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
