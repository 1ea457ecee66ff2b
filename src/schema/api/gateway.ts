import { z } from "zod";

import { strictObject } from "../strict-object.ts";
import { agentPathSchema, textSchema } from "./parameter.ts";

const text = z.string();

/** A chat gateway as it is now. */
export const gatewaySchema = z.object({
  name: text,
  command: text,
  state: z.enum(["starting", "ready", "waiting", "failed", "stopped", "off"]),
  pid: z.int().nullable(),
  connected: z.boolean().nullable().describe("Whether it reaches its platform; null until it has said"),
  restarts: z.int(),
  last_error: text.nullable(),
  capabilities: z.array(text),
  program: z.object({ gateway: text, version: text }).nullable(),
  last_inbound_at: text.nullable(),
  auth: z.looseObject({ method: text }).nullable().describe("What somebody has to do so that the platform lets it in"),
  queue: z.object({ inbound: z.int(), outbound: z.int(), unanswered: z.int() }),
});
export type GatewayBody = z.infer<typeof gatewaySchema>;

export const gatewayListSchema = z.object({ gateways: z.array(gatewaySchema) });

/** Gateways are named by the same letters as agents: see `gateways.external` of duragent.yaml. */
export const gatewayPathSchema = agentPathSchema;

/** `text` is sent to `chat_id`; without a chat the gateway is only asked whether it is there. */
export const tryGatewaySchema = strictObject({
  chat_id: z.string().min(1).max(512).optional(),
  text: textSchema.pipe(z.string().min(1).max(4_000)).optional(),
}).refine(({ chat_id: chat, text: said }) => chat !== undefined || said === undefined, {
  path: ["chat_id"],
  message: "must be there for a text to be sent",
});
export type TryGateway = z.infer<typeof tryGatewaySchema>;

/** What became of a try. */
export const gatewayTrialSchema = z.object({
  gateway: gatewaySchema,
  ping: z.object({
    answered: z.boolean(),
    connected: z.boolean().nullable(),
    took_ms: z.number().nullable(),
    detail: text.nullable(),
  }),
  sent: z
    .object({ ok: z.boolean(), message_id: text.nullable(), detail: text.nullable() })
    .nullable()
    .describe("The message, where one was to be sent"),
  /** What it wrote to its log; only where it was started for the try. */
  log: z.array(text).optional(),
});
export type GatewayTrialBody = z.infer<typeof gatewayTrialSchema>;
