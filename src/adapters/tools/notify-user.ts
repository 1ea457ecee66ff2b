import { z } from "zod";

import type { Tool } from "../../ports/tool.ts";
import { strictObject } from "../../schema/strict-object.ts";
import { defineTool, okResult } from "./define-tool.ts";

/** Longer ones are for an artifact: a channel shows a message, not a document. UTF-16 units. */
const messageLengthMax = 16_000;

const notifyArguments = strictObject({
  message: z
    .string()
    .trim()
    .min(1)
    .max(messageLengthMax)
    .describe("What the person should know, in full: they may read it without this conversation."),
  channel: z
    .string()
    .min(1)
    .optional()
    .describe("A channel by its name; without it the conversation's own chat, else the default channel."),
});

/** A message to a human through the outbox: durable once the tool has answered, delivered by itself. */
export const notifyUserTool = (): Tool =>
  defineTool({
    name: "notify_user",
    description:
      "Sends a short message to a human outside of this conversation: something is finished, has failed, or needs them. " +
      "It says where the message goes; delivery happens by itself and is tried again if it fails.",
    arguments: notifyArguments,
    effect: "idempotent",
    async run({ message, channel }, { session, idempotencyKey }) {
      const { to } = await session.notify({
        content: message,
        ...(channel === undefined ? {} : { channel }),
        idempotencyKey,
      });
      return okResult(`On its way to ${to}.`);
    },
  });
