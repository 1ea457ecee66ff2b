import { z } from "zod";

import { strictObject } from "../strict-object.ts";
import { flagSchema, wholeNumber } from "./parameter.ts";

const text = z.string();
const status = z.enum(["active", "running", "paused", "ended"]);

/** `SEQ`, `SEQ.OFFSET.CALL` or `now`; what it means is decided where it is read. */
const afterSchema = z.string().min(1).max(80);

export const eventsQuerySchema = strictObject({
  after: afterSchema.optional(),
  limit: wholeNumber(1, 1000).optional(),
  follow: flagSchema.optional(),
  attach: flagSchema.optional(),
});

export const streamQuerySchema = strictObject({ events: z.enum(["compatible", "full"]).optional() });

/** A page of the log as JSON; every event with its envelope. */
export const eventPageSchema = z.object({
  events: z.array(z.looseObject({ seq: z.int(), timestamp: text, type: text })),
  last_seq: z.int(),
});

/** The past has been sent; from here on, things come as they happen. */
export const readySchema = z.object({
  last_seq: z.int(),
  epoch: z.int(),
  status,
  activity: z.enum(["idle", "working", "awaiting_approval", "backing_off"]),
});
export type ReadyBody = z.infer<typeof readySchema>;

/** The server drains; connect again after `retry_ms`. */
export const byeSchema = z.object({ reason: text, retry_ms: z.int() });
export type ByeBody = z.infer<typeof byeSchema>;

/** Text of the running response; `offset` is where it begins in it, in UTF-16 units. */
export const tokenSchema = z.object({ turn_id: text, message_id: text, content: text, offset: z.int() });
export type TokenBody = z.infer<typeof tokenSchema>;
