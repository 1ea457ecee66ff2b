import { z } from "zod";

import { sessionPathSchema } from "../../../schema/api/parameter.ts";
import { reloadedSchema, repairReportSchema, repairSchema, verifyReportSchema } from "../../../schema/api/server.ts";
import { DuragentError } from "../../../schema/problem.ts";
import type { VerifyReport } from "../../../ports/session-store.ts";
import { json, plainText } from "../reply.ts";
import { route } from "../route.ts";

const text = (description: string) => ({ description, media: "text/plain", schema: z.string() });

/** What the operator of a server does. */
export const admin = [
  route({
    method: "POST",
    path: "/api/v1/admin/reload",
    id: "reload",
    summary: "Reads all agents again",
    responses: { 200: { description: "How many are valid", schema: reloadedSchema } },
    handle: async ({ surface }) => json(200, { agents: await surface.reload() }),
  }),
  route({
    method: "POST",
    path: "/api/admin/v1/reload-agents",
    id: "reloadAgents",
    summary: "Reads all agents again; as Duragent 0.5 has it",
    responses: { 200: text("`Reloaded N agents`") },
    handle: async ({ surface }) => plainText(200, `Reloaded ${await surface.reload()} agents`),
  }),
  route({
    method: "POST",
    path: "/api/admin/v1/shutdown",
    id: "shutdown",
    summary: "Drains, then stops; as Duragent 0.5 has it",
    responses: { 200: text("`Shutdown initiated`"), 409: { description: "It is shutting down already" } },
    handle({ surface }) {
      if (surface.shutdown() === "already") throw new DuragentError("conflict", "Shutdown already in progress");
      return plainText(200, "Shutdown initiated");
    },
  }),
  route({
    method: "GET",
    path: "/api/v1/admin/doctor",
    id: "doctor",
    summary: "Checks of this server and what it stands on",
    responses: { 200: { description: "The report", schema: z.unknown() } },
    handle: async ({ surface }) => json(200, await surface.doctor()),
  }),
  route({
    method: "POST",
    path: "/api/v1/admin/sessions/:id/verify",
    id: "verifySession",
    summary: "Checks every line of a session's log; changes nothing",
    params: sessionPathSchema,
    responses: { 200: { description: "What was found", schema: verifyReportSchema } },
    handle: async ({ surface, params }) => json(200, report(await surface.sessions.verify(params.id))),
  }),
  route({
    method: "POST",
    path: "/api/v1/admin/sessions/:id/repair",
    id: "repairSession",
    summary: "Shows how a corrupt log would be mended; mends it with `apply`",
    params: sessionPathSchema,
    body: repairSchema,
    bodyOptional: true,
    responses: { 200: { description: "What was, or would be, done", schema: repairReportSchema } },
    async handle({ surface, params, body }) {
      const { apply = false, reseal = false } = body;
      const done = await surface.sessions.repair(params.id, { apply, reseal });
      return json(200, { ...report(done), actions: done.actions, applied: done.applied });
    },
  }),
];

function report({ sessionId, events, bytes, problems }: VerifyReport) {
  return { session_id: sessionId, events, bytes, problems };
}
