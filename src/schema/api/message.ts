import { z } from "zod";

import { approvalIdSchema } from "../ids.ts";
import { decisionSchema, deliverySchema, usageSchema } from "../session-event.ts";
import { strictObject } from "../strict-object.ts";
import { nameSchema, textSchema, wholeNumber } from "./parameter.ts";

const text = z.string();

export const sendMessageSchema = strictObject({
  content: z.string().min(1).pipe(textSchema),
  delivery: deliverySchema.optional(),
  sender_id: nameSchema.optional(),
  sender_name: nameSchema.optional(),
});
export type SendMessageBody = z.input<typeof sendMessageSchema>;

/** The turn that took the message in has ended. */
export const answerSchema = z.object({
  message_id: text,
  role: z.literal("assistant"),
  content: text,
  turn_id: text,
  usage: usageSchema,
  outcome: z.enum(["completed", "limit_reached", "cancelled"]),
  finish_reason: text.optional(),
});
export type AnswerBody = z.infer<typeof answerSchema>;

const acceptedSchema = z.object({ message_id: text, seq: z.int() });
const openTurnSchema = acceptedSchema.extend({ turn_id: text.optional(), status: z.enum(["running", "paused"]) });
const askedSchema = z.object({
  session_id: text,
  call_id: text,
  command: text,
  approval_id: text,
  status: z.literal("pending_approval"),
});

/** Of 202: a question about a tool call, a turn that goes on without the caller, or only that the message is durable. */
export const notAnsweredSchema = z.union([askedSchema, openTurnSchema, acceptedSchema]);
export type AcceptedBody = z.infer<typeof acceptedSchema>;
export type OpenTurnBody = z.infer<typeof openTurnSchema>;
export type AskedBody = z.infer<typeof askedSchema>;

export const messageListQuerySchema = strictObject({
  limit: wholeNumber(1, 10_000).optional(),
  before: wholeNumber(1, 999_999_999_999_999).optional(),
});
export const messageListSchema = z.object({
  messages: z.array(
    z.object({
      role: z.enum(["user", "assistant"]),
      content: text,
      message_id: text,
      seq: z.int(),
      timestamp: text,
      turn_id: text.optional(),
      sender_name: text.optional(),
    }),
  ),
});
export type MessageListBody = z.infer<typeof messageListSchema>;

export const approveSchema = strictObject({
  call_id: z.string().min(1).max(1024),
  decision: decisionSchema,
  approval_id: approvalIdSchema.optional(),
  command: textSchema.optional(),
  reason: textSchema.optional(),
});
export type ApproveBody = z.input<typeof approveSchema>;

/** Why `allow_always` holds for this once only. */
const notKept = { not_kept: text.optional() };

export const approvedSchema = z.object({
  status: z.literal("complete"),
  message_id: text,
  content: text,
  ...notKept,
});
export type ApprovedBody = z.infer<typeof approvedSchema>;
export const approvedOpenSchema = z.union([
  z.object({ status: z.literal("pending_approval"), call_id: text, command: text, approval_id: text, ...notKept }),
  z.object({ status: z.enum(["running", "paused"]), turn_id: text.optional(), ...notKept }),
]);
export type ApprovedOpenBody = z.infer<typeof approvedOpenSchema>;
