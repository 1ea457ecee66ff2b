import type { z } from "zod";

import { idempotencyKeySchema } from "../../schema/api/parameter.ts";
import { DuragentError } from "../../schema/problem.ts";
import type { Arrived, Call } from "./call.ts";
import type { Reply, Written } from "./reply.ts";
import { parseJsonText } from "./request/json-text.ts";
import { readQuery } from "./request/query.ts";
import { hasBody, readBody, readUpload } from "./request/read-body.ts";
import type { MediaDeclaration } from "./request/upload.ts";
import { validate } from "./request/validate.ts";

type Method = "GET" | "POST" | "PUT" | "DELETE";

/** One answer of a route, for the OpenAPI document. */
export type ResponseDeclaration = { description: string; schema?: z.ZodType; media?: string };

type Declaration<
  Params extends z.ZodType | undefined,
  Query extends z.ZodType | undefined,
  Body extends z.ZodType | undefined,
> = {
  method: Method;
  /** With `:name` for parameters. */
  path: string;
  /** Names the operation in the OpenAPI document. */
  id: string;
  summary: string;
  params?: Params;
  query?: Query;
  body?: Body;
  /** An absent body counts as `{}`. */
  bodyOptional?: boolean;
  /** Of which types the body is, where it is not JSON of the shape of `body`; that is then `uploadSchema`. */
  media?: Readonly<Record<string, MediaDeclaration>>;
  /** The body, of any type, is left to `handle`, which reads `incoming` as it comes. */
  streamed?: boolean;
  /** Takes an `Idempotency-Key`. */
  idempotent?: boolean;
  /** Counts against `limits.inbound.per_client_per_minute`. */
  isCounted?: boolean;
  responses: Readonly<Record<number, ResponseDeclaration>>;
  handle(call: Call<Parsed<Params>, Parsed<Query>, Parsed<Body>>): Promise<Reply | Written> | Reply | Written;
};

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : Record<string, never>;

/** A route as the app mounts it and the OpenAPI document shows it. */
export type Route = Readonly<{
  method: Method;
  path: string;
  id: string;
  summary: string;
  params: z.ZodType | undefined;
  query: z.ZodType | undefined;
  body: z.ZodType | undefined;
  bodyOptional: boolean;
  media: Readonly<Record<string, MediaDeclaration>> | undefined;
  idempotent: boolean;
  responses: Readonly<Record<number, ResponseDeclaration>>;
  answer(arrived: Arrived): Promise<Reply | Written>;
}>;

const nothing: Record<string, never> = {};

/** Declares a route: its checks, its documentation and what it does are this one object. */
export function route<
  Params extends z.ZodType | undefined = undefined,
  Query extends z.ZodType | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(declaration: Declaration<Params, Query, Body>): Route {
  const { method, path, id, summary, params, query, body, media, responses } = declaration;
  const { bodyOptional = false, idempotent = false, isCounted = false } = declaration;
  return {
    method,
    path,
    id,
    summary,
    params,
    query,
    body,
    bodyOptional,
    media,
    idempotent,
    responses,
    async answer({ path: pathText, query: queryText, ...arrived }) {
      if (declaration.streamed === true) arrived.bodyTime?.perPiece();
      if (isCounted) await arrived.surface.sessions.admitClient(clientOf(arrived));
      const call = {
        ...arrived,
        params: parsed(params, pathText, "path"),
        query: query === undefined ? refuseQuery(queryText) : parsed(query, readQuery(queryText), "query string"),
        idempotencyKey: idempotent ? keyOf(arrived.incoming.headers["idempotency-key"]) : undefined,
        body: await bodyOf(declaration, arrived),
      };
      // The three parts were parsed with the very schemas that the types come from.
      return declaration.handle(call as Call<Parsed<Params>, Parsed<Query>, Parsed<Body>>);
    },
  };
}

/** Who asks: a peer by its address, which no header changes; everybody at the local socket is one. */
const clientOf = ({ source, incoming }: Pick<Arrived, "source" | "incoming">): string =>
  source === "cli" ? "local" : (incoming.socket.remoteAddress ?? "");

function parsed(schema: z.ZodType | undefined, value: unknown, where: string): unknown {
  return schema === undefined ? nothing : validate(schema, value, where);
}

function refuseQuery(query: string): Record<string, never> {
  const name = new URLSearchParams(query).keys().next().value;
  if (name === undefined) return nothing;
  throw new DuragentError("bad-request", "This route takes no query parameters.", {
    errors: [{ path: name.slice(0, 60), message: "unknown parameter" }],
  });
}

function keyOf(header: string | string[] | undefined): string | undefined {
  return header === undefined ? undefined : validate(idempotencyKeySchema, header, "Idempotency-Key header");
}

async function bodyOf(
  {
    method,
    body,
    bodyOptional,
    media,
    streamed,
  }: Pick<
    Declaration<z.ZodType | undefined, undefined, z.ZodType | undefined>,
    "method" | "body" | "bodyOptional" | "media" | "streamed"
  >,
  { incoming, surface }: Pick<Arrived, "incoming" | "surface">,
): Promise<unknown> {
  // A GET with a body is legal and means nothing (RFC 9110, 9.3.1).
  if (method === "GET" || streamed === true) return nothing;
  if (!hasBody(incoming)) {
    if (body === undefined) return nothing;
    if (bodyOptional) return validate(body, nothing, "body");
    const expected = media === undefined ? "JSON" : Object.keys(media).join(" or ");
    throw new DuragentError("bad-request", `The body is missing: ${expected} is expected.`, {
      errors: [{ path: "", message: `a body is expected: ${expected}` }],
    });
  }
  if (media !== undefined) return readUpload(incoming, media, surface.limits.bodyBytes);
  const value = parseJsonText(await readBody(incoming, surface.limits.bodyBytes));
  if (body !== undefined) return validate(body, value, "body");
  if (typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0)
    return nothing;
  throw new DuragentError("bad-request", "This route takes no body.", {
    errors: Object.keys(value ?? {}).map((path) => ({ path, message: "unknown field" })),
  });
}
