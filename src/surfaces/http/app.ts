import { Hono } from "hono";

import { answer } from "./answer.ts";
import { Gate } from "./access/gate.ts";
import { missing } from "./missing-route.ts";
import type { HttpOptions, NodeBindings } from "./options.ts";
import { openApiDocument } from "./openapi.ts";
import { routes } from "./routes/registry.ts";
import { OpenStreams } from "./stream/open-streams.ts";
import type { Surface } from "./surface.ts";

export type HttpApp = Hono<{ Bindings: NodeBindings }>;

/** The HTTP API over a runtime. `drain` refuses new work and tells whoever waits to come back; it may be called again. */
export type HttpSurface = { app: HttpApp; drain(reason: string): void };

/** Builds the app; `listen` serves it. Nothing is shared between two of them. */
export function createHttpApp(options: HttpOptions): HttpSurface {
  const draining = new AbortController();
  const streams = new OpenStreams({ ...options.limits, clock: options.clock });
  const surface: Surface = {
    ...options,
    gate: new Gate(options.access, options.clock),
    streams,
    draining: draining.signal,
    startedAtMs: options.clock.monotonic(),
    describe: onceMade(() => openApiDocument(routes, options.version.version)),
  };
  options.metrics.gauge("duragent_streams_open", () => streams.size);
  const app: HttpApp = new Hono();
  for (const route of routes) app.on(route.method, route.path, (context) => answer(surface, context, route));
  app.notFound((context) => answer(surface, context, missing(context.req.method, context.req.path)));
  return {
    app,
    drain(reason) {
      streams.drain(reason);
      draining.abort();
    },
  };
}

function onceMade<Value>(make: () => Value): () => Value {
  let made: { value: Value } | undefined;
  return () => (made ??= { value: make() }).value;
}
