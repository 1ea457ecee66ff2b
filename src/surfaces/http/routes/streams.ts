import { z } from "zod";

import { formatCursor } from "../../../domain/stream/cursor.ts";
import { sendMessageSchema } from "../../../schema/api/message.ts";
import { sessionPathSchema } from "../../../schema/api/parameter.ts";
import { eventPageSchema, eventsQuerySchema, streamQuerySchema, type ReadyBody } from "../../../schema/api/stream.ts";
import type { Sessions } from "../../../runtime/runtime.ts";
import type { SessionId } from "../../../schema/ids.ts";
import { DuragentError } from "../../../schema/problem.ts";
import { messageCommand, refuseSenderEarly } from "../message-command.ts";
import { json, noContent } from "../reply.ts";
import { route } from "../route.ts";
import { CompatibleTurn } from "../stream/compatible-turn.ts";
import { followLog } from "../stream/follow-log.ts";
import { placeOf } from "../stream/resume-place.ts";
import { serveStream } from "../stream/serve-stream.ts";
import { showTurn } from "../stream/show-turn.ts";

const pageDefault = 500;
const eventStream = {
  description: "Server-sent events, one JSON object each",
  media: "text/event-stream",
  schema: z.string(),
};

/** Sessions as they happen. */
export const streams = [
  route({
    method: "POST",
    path: "/api/v1/sessions/:id/stream",
    id: "streamMessage",
    summary:
      "Sends a message and streams the turn that takes it in: start, token, then one of approval_required, done, cancelled, error",
    params: sessionPathSchema,
    query: streamQuerySchema,
    body: sendMessageSchema,
    idempotent: true,
    isCounted: true,
    responses: { 200: eventStream },
    async handle(call) {
      const { surface, params, query, body } = call;
      const { sessions } = surface;
      await refuseSenderEarly(call);
      return serveStream(call, { attach: true }, async () => {
        const paused = body.delivery === "queue" && (await sessions.get(params.id)).status === "paused";
        const sent = await sessions.send(params.id, messageCommand(call));
        const reader = await sessions.reader(params.id, { seq: sent.seq - 1 });
        const turn = new CompatibleTurn(sent.messageId, { paused });
        return { reader, run: (stream) => showTurn({ stream, reader, turn, full: query.events === "full" }) };
      });
    },
  }),
  route({
    method: "GET",
    path: "/api/v1/sessions/:id/events",
    id: "followSession",
    summary: "The log: followed as server-sent events (Accept: text/event-stream), or a page of it as JSON",
    params: sessionPathSchema,
    query: eventsQuerySchema,
    responses: {
      200: { description: "A page of the log, or the stream", schema: eventPageSchema },
      204: { description: "The session has ended and all of it has been read" },
    },
    async handle(call) {
      const { surface, params, query, incoming } = call;
      const { sessions } = surface;
      // A HEAD must not attach anybody.
      const wantsStream = incoming.method === "GET" && (incoming.headers.accept ?? "").includes("text/event-stream");
      const place = placeOf(wantsStream ? incoming.headers["last-event-id"] : undefined, query.after);
      const view = await sessions.get(params.id);
      if (!wantsStream) {
        if (place.from === "now")
          throw new DuragentError("bad-request", "after=now is for streams; a page needs a seq.", {
            errors: [{ path: "after", message: "must be a seq" }],
          });
        if (place.from.seq > view.lastSeq) throw futureCursor(view.lastSeq);
        const page = await sessions.events(params.id, { after: place.from.seq, limit: query.limit ?? pageDefault });
        return json(200, { events: page.events, last_seq: page.lastSeq });
      }
      if (query.limit !== undefined) {
        throw new DuragentError("bad-request", "limit is for pages; a stream has none.", {
          errors: [{ path: "limit", message: "is for pages" }],
        });
      }
      const { from, ignored } = place.settle(view.lastSeq, () => futureCursor(view.lastSeq));
      if (view.status === "ended" && (from === "now" || (place.resumes && !ignored && from.seq >= view.lastSeq)))
        return noContent();
      const follow = query.follow ?? true;
      const attach = follow && (query.attach ?? true);
      const headers: Record<string, string> = ignored ? { "x-duragent-resume": "ignored" } : {};
      return serveStream({ ...call, headers: { ...call.headers, ...headers } }, { attach }, async () => {
        const reader = await sessions.reader(params.id, from);
        const ready = async ({
          lastSeq,
          epoch,
        }: {
          lastSeq: number;
          epoch: number | undefined;
        }): Promise<ReadyBody> => {
          const { status, activity } = await sessions.get(params.id);
          return { last_seq: lastSeq, epoch: epoch ?? (await latestEpoch(sessions, params.id)), status, activity };
        };
        return { reader, run: (stream) => followLog({ stream, reader, headSeq: view.lastSeq, follow, ready }) };
      });
    },
  }),
];

function futureCursor(lastSeq: number): DuragentError {
  return new DuragentError(
    "bad-request",
    `The cursor lies in the future: the log ends at ${formatCursor({ seq: lastSeq })}.`,
    {
      errors: [{ path: "after", message: "lies in the future" }],
    },
  );
}

// Every turn has events with an epoch: one is near the end, unless nothing has ever run.
async function latestEpoch(sessions: Sessions, id: SessionId): Promise<number> {
  const { events } = await sessions.events(id, { after: 0, limit: 20, backwards: true });
  return events.find((event) => event.epoch !== undefined)?.epoch ?? 0;
}
