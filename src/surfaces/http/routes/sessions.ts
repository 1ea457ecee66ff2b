import { sessionPathSchema } from "../../../schema/api/parameter.ts";
import {
  createSessionSchema,
  forkSchema,
  sessionListQuerySchema,
  sessionListSchema,
  sessionSchema,
} from "../../../schema/api/session.ts";
import { json, noContent } from "../reply.ts";
import { route } from "../route.ts";
import { sessionBody, sessionSummary } from "../session-body.ts";

const pageDefault = 50;

/** Sessions come, are listed, are copied and go. */
export const sessions = [
  route({
    method: "GET",
    path: "/api/v1/sessions",
    id: "listSessions",
    summary: "Sessions, newest first; without `status` all but ended ones",
    query: sessionListQuerySchema,
    responses: { 200: { description: "A page of them", schema: sessionListSchema } },
    async handle({ surface, query: { limit = pageDefault, ...filter } }) {
      const page = await surface.sessions.list({ ...defined(filter), limit });
      const next = page.nextCursor === undefined ? {} : { next_cursor: page.nextCursor };
      return json(200, { sessions: page.sessions.map(sessionSummary), ...next });
    },
  }),
  route({
    method: "POST",
    path: "/api/v1/sessions",
    id: "createSession",
    summary: "Starts a session with an agent, or with a definition that comes along",
    body: createSessionSchema,
    idempotent: true,
    isCounted: true,
    responses: { 201: { description: "The session", schema: sessionSchema } },
    async handle({ surface, body, idempotencyKey }) {
      const { session } = await surface.sessions.create(
        defined({
          agent: body.agent,
          agentSpec: body.agent_spec,
          onDisconnect: body.on_disconnect,
          labels: body.labels,
          sessionId: body.session_id,
          idempotencyKey,
        }),
      );
      return json(201, sessionBody(session), { location: `/api/v1/sessions/${session.sessionId}` });
    },
  }),
  route({
    method: "GET",
    path: "/api/v1/sessions/:id",
    id: "getSession",
    summary: "One session, with the questions that wait for an answer",
    params: sessionPathSchema,
    responses: { 200: { description: "The session", schema: sessionSchema } },
    handle: async ({ surface, params }) => json(200, sessionBody(await surface.sessions.get(params.id))),
  }),
  route({
    method: "DELETE",
    path: "/api/v1/sessions/:id",
    id: "deleteSession",
    summary: "Ends a session and removes all of it; its id is never given again",
    params: sessionPathSchema,
    responses: { 204: { description: "It is gone" } },
    async handle({ surface, params }) {
      await surface.sessions.delete(params.id);
      return noContent();
    },
  }),
  route({
    method: "POST",
    path: "/api/v1/sessions/:id/fork",
    id: "forkSession",
    summary: "A new session with the conversation of this one, whole turns only",
    params: sessionPathSchema,
    body: forkSchema,
    bodyOptional: true,
    idempotent: true,
    isCounted: true,
    responses: { 201: { description: "The new session", schema: sessionSchema } },
    async handle({ surface, params, body, idempotencyKey }) {
      const { session } = await surface.sessions.fork(params.id, defined({ atSeq: body.at_seq, idempotencyKey }));
      return json(201, sessionBody(session), { location: `/api/v1/sessions/${session.sessionId}` });
    },
  }),
];

type Defined<Fields> = { [Key in keyof Fields]: Exclude<Fields[Key], undefined> };

/** Without the keys that were not given: the runtime tells "absent" from a value. */
function defined<Fields extends object>(fields: Fields): Partial<Defined<Fields>> {
  // What is left has no undefined values, which is all that the type says.
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<
    Defined<Fields>
  >;
}
