/** What a route answers with; the pipeline adds the headers that every answer has. */
export type Reply = {
  status: number;
  headers?: Readonly<Record<string, string>>;
  body: string | Uint8Array | ReadableStream<Uint8Array> | null;
};

/** The route has written (or goes on writing) to the connection itself, e.g. a stream of events. */
export type Written = { written: true; status: number };

export function json(status: number, value: unknown, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(value) };
}

export function plainText(status: number, body: string): Reply {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body };
}

export function noContent(): Reply {
  return { status: 204, body: null };
}
