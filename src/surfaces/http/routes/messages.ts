import type { SessionId } from "../../../schema/ids.ts";
import {
  answerSchema,
  approvedOpenSchema,
  approvedSchema,
  approveSchema,
  messageListQuerySchema,
  messageListSchema,
  notAnsweredSchema,
  sendMessageSchema,
} from "../../../schema/api/message.ts";
import { sessionPathSchema } from "../../../schema/api/parameter.ts";
import { approvalReply, messageReply } from "../answer-reply.ts";
import { untilHangUp, type Arrived } from "../call.ts";
import { messageCommand, refuseSenderEarly, wantsNoAnswer } from "../message-command.ts";
import { json } from "../reply.ts";
import { route } from "../route.ts";

/** Runs `work` as an attached client of the session; detached as soon as it is done or the client has hung up. */
async function whileAttached<Result>(
  call: Pick<Arrived, "surface" | "outgoing">,
  id: SessionId,
  work: (options: { timeoutMs: number; signal: AbortSignal }) => Promise<Result>,
): Promise<Result> {
  const attachment = await call.surface.sessions.attach(id, {});
  const hangUp = untilHangUp(call);
  try {
    return await work({ timeoutMs: call.surface.limits.requestTimeoutMs, signal: hangUp.signal });
  } finally {
    hangUp.stop();
    await attachment.leave();
  }
}

/** Messages in and answers out, without a stream. */
export const messages = [
  route({
    method: "GET",
    path: "/api/v1/sessions/:id/messages",
    id: "listMessages",
    summary: "The newest messages of users and the agent, oldest first",
    params: sessionPathSchema,
    query: messageListQuerySchema,
    responses: { 200: { description: "The messages", schema: messageListSchema } },
    async handle({ surface, params, query }) {
      const limit = query.limit === undefined ? {} : { limit: query.limit };
      const before = query.before === undefined ? {} : { before: query.before };
      return json(200, { messages: await surface.sessions.messages(params.id, { ...limit, ...before }) });
    },
  }),
  route({
    method: "POST",
    path: "/api/v1/sessions/:id/messages",
    id: "sendMessage",
    summary: "Sends a message and waits for the turn that takes it in; not with `Prefer: respond-async`",
    params: sessionPathSchema,
    body: sendMessageSchema,
    idempotent: true,
    isCounted: true,
    responses: {
      200: { description: "The answer", schema: answerSchema },
      202: {
        description: "No answer yet: a question, a turn that goes on, or only that the message is durable",
        schema: notAnsweredSchema,
      },
    },
    async handle(call) {
      const { surface, params } = call;
      if (wantsNoAnswer(call.incoming)) {
        const { messageId, seq } = await surface.sessions.send(params.id, {
          ...messageCommand(call),
          unattended: true,
        });
        return json(202, { message_id: messageId, seq }, { "preference-applied": "respond-async" });
      }
      await refuseSenderEarly(call);
      return whileAttached(call, params.id, async (options) => {
        const sent = await surface.sessions.send(params.id, messageCommand(call));
        return messageReply(params.id, sent, await surface.sessions.answer(params.id, sent.messageId, options));
      });
    },
  }),
  route({
    method: "POST",
    path: "/api/v1/sessions/:id/approve",
    id: "approve",
    summary: "Decides about a tool call that waits, and waits for the turn that goes on",
    params: sessionPathSchema,
    body: approveSchema,
    idempotent: true,
    isCounted: true,
    responses: {
      200: { description: "The turn has ended", schema: approvedSchema },
      202: { description: "Another question, or a turn that goes on", schema: approvedOpenSchema },
    },
    async handle(call) {
      const { surface, params, body, source, idempotencyKey } = call;
      return whileAttached(call, params.id, async (options) => {
        const { approvalId, notKept } = await surface.sessions.decide(params.id, {
          callId: body.call_id,
          decision: body.decision,
          decidedBy: source,
          ...(body.approval_id === undefined ? {} : { approvalId: body.approval_id }),
          ...(body.command === undefined ? {} : { command: body.command }),
          ...(body.reason === undefined ? {} : { reason: body.reason }),
          ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
        });
        return approvalReply(await surface.sessions.answerDecision(params.id, approvalId, options), notKept);
      });
    },
  }),
];
