import { z } from "zod";

import { healthSchema, readinessSchema, versionSchema } from "../../../schema/api/server.ts";
import { json, plainText } from "../reply.ts";
import { route } from "../route.ts";

/** What load balancers, launchers and people ask before anything else. */
export const probes = [
  route({
    method: "GET",
    path: "/livez",
    id: "live",
    summary: "Whether the process answers",
    responses: { 200: { description: "It does", media: "text/plain", schema: z.literal("ok") } },
    handle: () => plainText(200, "ok"),
  }),
  route({
    method: "GET",
    path: "/readyz",
    id: "ready",
    summary: "Whether the server can take work",
    responses: {
      200: { description: "It can", schema: readinessSchema },
      503: { description: "It starts, drains, or can not reach its store", schema: readinessSchema },
    },
    async handle({ surface }) {
      const readiness = await surface.readiness();
      if (surface.draining.aborted && readiness.status === "ok")
        return json(503, { ...readiness, status: "draining" }, { "retry-after": "1" });
      return readiness.status === "ok" ? json(200, readiness) : json(503, readiness, { "retry-after": "1" });
    },
  }),
  route({
    method: "GET",
    path: "/health",
    id: "health",
    summary: "How well the server does; details only for callers who may use the API",
    responses: { 200: { description: "Its health", schema: healthSchema } },
    async handle({ surface, authorized }) {
      const { status, checks } = await surface.health();
      const { version } = surface.version;
      if (!authorized) return json(200, { status, version });
      const uptimeSeconds = (surface.clock.monotonic() - surface.startedAtMs) / 1000;
      return json(200, { status, version, uptime_seconds: uptimeSeconds, worker_id: surface.workerId, checks });
    },
  }),
  route({
    method: "GET",
    path: "/version",
    id: "version",
    summary: "What runs here",
    responses: { 200: { description: "The version", schema: versionSchema } },
    handle: ({ surface }) => json(200, surface.version),
  }),
  route({
    method: "GET",
    path: "/metrics",
    id: "metrics",
    summary: "Figures in the text format of Prometheus",
    responses: { 200: { description: "The figures", media: "text/plain", schema: z.string() } },
    async handle({ surface }) {
      const { contentType, body } = await surface.renderMetrics();
      return { status: 200, headers: { "content-type": contentType }, body };
    },
  }),
];
