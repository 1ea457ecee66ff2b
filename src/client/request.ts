import { problemOf } from "./api-problem.ts";
import { readBytes, readText, type ApiRequest, type ApiResponse, type Transport } from "./transport.ts";

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** What callers may add to a request. */
export type RequestOptions = { signal?: AbortSignal | undefined; idempotencyKey?: string | undefined };

export type Ask = RequestOptions & {
  method: ApiRequest["method"];
  path: string;
  query?: Query;
  body?: unknown;
  /** A body that is not JSON of the API's own, and what it is. */
  upload?: { media: string | undefined; content: string | Uint8Array | AsyncIterable<Uint8Array> } | undefined;
  headers?: Readonly<Record<string, string>>;
};

/** Sends requests with the client's token; refusals become `ApiProblem`. */
export class Requests {
  private readonly transport: Transport;
  private readonly token: string | undefined;

  constructor(transport: Transport, token: string | undefined) {
    this.transport = transport;
    this.token = token;
  }

  /** The answer, unread; throws `ApiProblem` for 4xx and 5xx. */
  async open({
    method,
    path,
    query = {},
    body,
    upload,
    headers = {},
    signal,
    idempotencyKey,
  }: Ask): Promise<ApiResponse> {
    const response = await this.transport({
      method,
      path: `${path}${queryText(query)}`,
      headers: {
        ...(this.token === undefined ? {} : { authorization: `Bearer ${this.token}` }),
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(upload?.media === undefined ? {} : { "content-type": upload.media }),
        ...(idempotencyKey === undefined ? {} : { "idempotency-key": idempotencyKey }),
        ...headers,
      },
      body: upload === undefined ? jsonOf(body) : bytesOf(upload.content),
      signal,
    });
    if (response.status >= 400) throw await problemOf(response);
    return response;
  }

  /** The answer's JSON. What it is, the server's schema for this route says. */
  async json<Body>(ask: Ask): Promise<Body> {
    return (await this.jsonWithStatus<Body>(ask)).body;
  }

  async jsonWithStatus<Body>(ask: Ask): Promise<{ status: number; body: Body }> {
    const response = await this.open(ask);
    // The one cast: both sides are generated from the same declaration.
    return { status: response.status, body: JSON.parse(await readText(response)) as Body };
  }

  async bytes(ask: Ask): Promise<Uint8Array> {
    return readBytes(await this.open(ask));
  }

  async text(ask: Ask): Promise<string> {
    return readText(await this.open(ask));
  }
}

const jsonOf = (body: unknown): string | undefined => (body === undefined ? undefined : JSON.stringify(body));

// A copy, because what a caller gives may lie in memory that is shared, which `fetch` does not take.
const bytesOf = (content: string | Uint8Array | AsyncIterable<Uint8Array>): ApiRequest["body"] =>
  content instanceof Uint8Array ? new Uint8Array(content) : content;

function queryText(query: Query): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.append(name, `${value}`);
  return parameters.size === 0 ? "" : `?${parameters.toString()}`;
}
