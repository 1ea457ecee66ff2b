/** One request as the client makes it; `path` begins with `/`. */
export type ApiRequest = {
  method: "GET" | "POST" | "PUT" | "DELETE";
  path: string;
  headers: Readonly<Record<string, string>>;
  /** What comes in pieces is sent as it comes. */
  body?: string | Uint8Array<ArrayBuffer> | AsyncIterable<Uint8Array> | undefined;
  signal?: AbortSignal | undefined;
};

/** An answer whose body has not been read; `body` may be read once, and letting go of it ends the connection. */
export type ApiResponse = {
  status: number;
  header(name: string): string | undefined;
  body: AsyncIterable<Uint8Array>;
};

/** How requests reach the server. Rejects with `ServerUnreachable` when they do not. */
export type Transport = (request: ApiRequest) => Promise<ApiResponse>;

/** Nothing answered: no server, no network, or the connection broke before the answer's head. */
export class ServerUnreachable extends Error {
  constructor(place: string, cause: unknown) {
    super(`No server answers at ${place}${cause instanceof Error ? ` (${cause.message})` : ""}.`, { cause });
    this.name = "ServerUnreachable";
  }
}

/** The whole body as it came. */
export async function readBytes(response: ApiResponse): Promise<Uint8Array> {
  const blob = new Blob(await Array.fromAsync(response.body, (chunk) => new Uint8Array(chunk)));
  return new Uint8Array(await blob.arrayBuffer());
}

/** The whole body as text. */
export async function readText(response: ApiResponse): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}
