import type { IncomingMessage } from "node:http";
import type { z } from "zod";

import type { SendMessage } from "../../runtime/runtime.ts";
import type { sendMessageSchema } from "../../schema/api/message.ts";
import type { SessionId } from "../../schema/ids.ts";
import type { Call } from "./call.ts";

type MessageCall = Pick<
  Call<unknown, unknown, z.output<typeof sendMessageSchema>>,
  "body" | "source" | "idempotencyKey" | "traceId"
>;

type SentCall = Pick<
  Call<{ id: SessionId }, unknown, z.output<typeof sendMessageSchema>>,
  "surface" | "params" | "body" | "idempotencyKey"
>;

/** A message as the runtime takes it. Whoever may use the API may also decide approvals. */
export function messageCommand({ body, source, idempotencyKey, traceId }: MessageCall): SendMessage {
  return {
    content: body.content,
    source,
    mayDecide: true,
    ...(body.delivery === undefined ? {} : { delivery: body.delivery }),
    ...(body.sender_id === undefined ? {} : { senderId: body.sender_id }),
    ...(body.sender_name === undefined ? {} : { senderName: body.sender_name }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(traceId === undefined ? {} : { traceId }),
  };
}

/**
 * A client that attaches may set a paused session going: a message that will be refused must not get that far. One with
 * a key may have been accepted before, and is answered then.
 */
export async function refuseSenderEarly({ surface, params, body, idempotencyKey }: SentCall): Promise<void> {
  if (body.sender_id !== undefined && idempotencyKey === undefined)
    await surface.sessions.checkSender(params.id, body.sender_id);
}

/** `Prefer: respond-async` (RFC 7240), also among other preferences. */
export function wantsNoAnswer(incoming: IncomingMessage): boolean {
  const prefer = incoming.headers["prefer"];
  const preferences = (Array.isArray(prefer) ? prefer.join(",") : (prefer ?? "")).split(",");
  return preferences.some((preference) => preference.split(";")[0]?.trim().toLowerCase() === "respond-async");
}
