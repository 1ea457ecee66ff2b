import { sessionPathSchema } from "../../../schema/api/parameter.ts";
import {
  attachmentSchema,
  attachSchema,
  detachSchema,
  reasonSchema,
  sessionSchema,
} from "../../../schema/api/session.ts";
import type { SessionCall } from "../call.ts";
import { json, type Reply } from "../reply.ts";
import { route } from "../route.ts";
import { sessionBody } from "../session-body.ts";

const ttlDefaultSeconds = 60;

type Action = "cancel" | "pause" | "resume" | "end";

async function control(call: SessionCall, action: Action, status: number, reason?: string): Promise<Reply> {
  const { surface, params, source } = call;
  const { attachedClients } = await surface.sessions.get(params.id);
  const why = reason === undefined ? {} : { reason };
  const view = await surface.sessions.control(params.id, { action, by: source, attached: attachedClients > 0, ...why });
  return json(status, sessionBody(view));
}

function controlRoute(action: Action, summary: string, status: 200 | 202, description: string) {
  return route({
    method: "POST",
    path: `/api/v1/sessions/:id/${action}`,
    id: `${action}Session`,
    summary,
    params: sessionPathSchema,
    body: reasonSchema,
    bodyOptional: true,
    responses: { [status]: { description, schema: sessionSchema } },
    handle: (call) => control(call, action, status, call.body.reason),
  });
}

/** What a client asks of a running session, and how one that polls says that it is there. */
export const sessionControl = [
  controlRoute("cancel", "Cancels the running turn; 409 if there is none", 202, "It will be cancelled"),
  controlRoute("pause", "Holds the session at its next safe point, whoever is attached", 200, "The session"),
  controlRoute("resume", "Lets a paused session go on", 200, "The session"),
  controlRoute("end", "Ends the session and keeps everything", 200, "The session"),
  route({
    method: "POST",
    path: "/api/v1/sessions/:id/attach",
    id: "attachSession",
    summary: "Attaches a client that polls, for a while; calling it again renews",
    params: sessionPathSchema,
    body: attachSchema,
    bodyOptional: true,
    responses: { 200: { description: "The attachment", schema: attachmentSchema } },
    async handle({ surface, params, body }) {
      const ttlMs = (body.ttl_seconds ?? ttlDefaultSeconds) * 1000;
      const named = body.client_id === undefined ? {} : { clientId: body.client_id };
      const { clientId, expiresAt } = await surface.sessions.attach(params.id, { ttlMs, ...named });
      return json(200, { client_id: clientId, expires_at: iso(expiresAt ?? surface.clock.now() + ttlMs) });
    },
  }),
  route({
    method: "POST",
    path: "/api/v1/sessions/:id/detach",
    id: "detachSession",
    summary: "Detaches such a client at once",
    params: sessionPathSchema,
    body: detachSchema,
    responses: { 200: { description: "The attachment, which has ended", schema: attachmentSchema } },
    async handle({ surface, params, body }) {
      await surface.sessions.detach(params.id, body.client_id);
      return json(200, { client_id: body.client_id, expires_at: iso(surface.clock.now()) });
    },
  }),
];

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
