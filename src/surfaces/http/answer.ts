import type { Context } from "hono";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";

import { DuragentError } from "../../schema/problem.ts";
import { areaOf } from "./access/area.ts";
import type { Arrived } from "./call.ts";
import type { NodeBindings } from "./options.ts";
import { problemReply } from "./problem-reply.ts";
import type { Reply, Written } from "./reply.ts";
import { chosenRequestId, traceIdOf } from "./request/trace.ts";
import type { Surface } from "./surface.ts";

type HttpContext = Context<{ Bindings: NodeBindings }>;
type Handler = { path: string; answer(arrived: Arrived): Promise<Reply | Written> };

const quietRoutes = new Set(["/livez", "/readyz", "/metrics"]);

/** The way of every request: gate, route, answer; and a line in the log and a count for each. */
export async function answer(surface: Surface, context: HttpContext, handler: Handler): Promise<Response> {
  const startedMs = surface.clock.monotonic();
  const { incoming, outgoing, via, bodyTime } = context.env;
  const requestId = chosenRequestId(one(incoming.headers["x-request-id"])) ?? surface.clock.ulid();
  const traceId = traceIdOf(one(incoming.headers["traceparent"]));
  const headers = commonHeaders(surface, incoming.headers.origin, requestId);
  let reply: Reply | Written;
  let failure: unknown;
  try {
    const query = queryOf(incoming.url ?? "");
    const arrival = { via, peer: incoming.socket.remoteAddress ?? "", query, headers: incoming.headers };
    const { authorized } = surface.gate.admit(arrival, areaOf(context.req.path));
    refuseWhileDraining(surface, context.req.path);
    const source = via === "unix" ? "cli" : "http";
    const path = context.req.param();
    reply = await handler.answer({
      surface,
      incoming,
      outgoing,
      bodyTime,
      requestId,
      traceId,
      source,
      authorized,
      headers,
      path,
      query,
    });
  } catch (error) {
    failure = error;
    reply = problemReply(error, requestId);
  }
  const durationMs = surface.clock.monotonic() - startedMs;
  report(surface, {
    method: incoming.method ?? "",
    route: handler.path,
    requestId,
    traceId,
    session: context.req.param("id"),
    durationMs,
    reply,
    failure,
  });
  if ("written" in reply) return RESPONSE_ALREADY_SENT;
  // What is left of a refused body is not worth reading: the connection ends with the answer.
  const unread = reply.status >= 400 && !incoming.complete ? { connection: "close" } : {};
  return new Response(reply.body, { status: reply.status, headers: { ...headers, ...unread, ...reply.headers } });
}

function commonHeaders(surface: Surface, origin: string | undefined, requestId: string): Record<string, string> {
  const headers: Record<string, string> = {
    "x-request-id": requestId,
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
  };
  const allowed = origin === undefined ? undefined : surface.gate.allowedOrigin(origin);
  if (allowed !== undefined) {
    headers["access-control-allow-origin"] = allowed;
    headers["access-control-expose-headers"] = "X-Request-Id, X-Duragent-Resume, Retry-After, ETag";
    headers["vary"] = "Origin";
  }
  return headers;
}

function refuseWhileDraining(surface: Surface, path: string): void {
  if (!surface.draining.aborted || areaOf(path) === "probe") return;
  throw new DuragentError("shutting-down", "The server is shutting down; nothing is lost, try again when it is back.");
}

type Report = {
  method: string;
  route: string;
  requestId: string;
  traceId: string | undefined;
  session: string | undefined;
  durationMs: number;
  reply: Reply | Written;
  failure: unknown;
};

function report(
  { log, metrics }: Surface,
  { method, route, requestId, traceId, session, durationMs, reply, failure }: Report,
): void {
  const { status } = reply;
  const fields = {
    request_id: requestId,
    ...(traceId === undefined ? {} : { trace_id: traceId }),
    method,
    route,
    ...(session === undefined ? {} : { session_id: session.slice(0, 64) }),
    status,
    ms: Math.round(durationMs),
  };
  if (status >= 500 && failure !== undefined) {
    const ours = !(failure instanceof DuragentError);
    log[ours ? "error" : "warn"](
      { ...fields, err: failure },
      ours ? "a request failed for a reason of ours" : "a request failed",
    );
  } else if (quietRoutes.has(route)) log.debug(fields, "request");
  else log.info(fields, "request");
  metrics.add("duragent_http_requests_total", { method, route, status: `${status}` });
  if (!("written" in reply)) metrics.observe("duragent_http_request_seconds", durationMs / 1000, { method, route });
}

function queryOf(url: string): string {
  const at = url.indexOf("?");
  return at < 0 ? "" : url.slice(at + 1);
}

function one(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
