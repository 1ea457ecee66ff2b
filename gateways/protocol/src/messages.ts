import { z } from "zod";

// One JSON object a line, UTF-8, told apart by `type`. What is not known is ignored, in both directions: objects keep no
// unknown keys here, and a line of an unknown type is no error.

/** Version of the protocol; programs compare only the part before a dot or a letter after the number. */
export const protocolVersion = "v1alpha1";

/** A longer line is skipped by whoever reads it. Bytes, without the newline. */
export const lineBytesMax = 1024 * 1024;

/** Without what Zod infers for an object that has no keys: that none may be there, not even `type`. */
type Fields<Shape> = { [Key in keyof Shape as string extends Key ? never : Key]: Shape[Key] };

/** Without what not every store keeps as it is, NUL and halves of characters, or could show on one line. */
const id = z
  .string()
  .min(1)
  .max(512)
  .refine((it) => !/[\p{Cc}\p{Cs}]/u.test(it), "an id has no control characters and no half of a character");
const text = z.string();

/** What a gateway can do beside sending text. `ack`: it waits for one before it lets go of a message. */
export const capabilities = [
  "media",
  "edit",
  "delete",
  "typing",
  "reply",
  "inline_keyboard",
  "threads",
  "ack",
] as const;
export type Capability = (typeof capabilities)[number];

/** Why a command failed. Others are taken as `platform_error`. */
export const errorCodes = [
  "chat_not_found",
  "message_not_found",
  "rate_limited",
  "unauthorized",
  "platform_error",
  "invalid_request",
  "not_connected",
] as const;
export type ErrorCode = (typeof errorCodes)[number];

/** Buttons under a message, by row. `callback_data` comes back with a press; at most 64 bytes of UTF-8. */
export const keyboardSchema = z.object({
  rows: z.array(z.array(z.object({ text, callback_data: z.string().min(1).max(64) }))),
});
export type Keyboard = z.infer<typeof keyboardSchema>;

/** A file to send: by address, or in the line. */
export const outgoingMediaSchema = z.discriminatedUnion("source", [
  z.object({ source: z.literal("url"), url: z.url(), mime_type: text.optional() }),
  z.object({ source: z.literal("base64"), data: z.base64(), mime_type: text, filename: text.optional() }),
]);
export type OutgoingMedia = z.infer<typeof outgoingMediaSchema>;

/** Core → gateway. */
export const commandSchemas = {
  /** The first line. `data_dir`: a folder of this gateway's own, absolute, for what it must remember. */
  initialize: z.object({
    protocol: text,
    name: text,
    config: z.record(z.string(), z.json()).default({}),
    data_dir: text.optional(),
  }),
  /** `content` is Markdown. `request_id` is the same whenever it is tried again. */
  send_message: z.object({
    request_id: id,
    chat_id: id,
    content: text,
    reply_to: id.optional(),
    thread_id: id.optional(),
    inline_keyboard: keyboardSchema.optional(),
  }),
  /** Replaces a message's text and takes its buttons away. */
  edit_message: z.object({ request_id: id, chat_id: id, message_id: id, content: text }),
  delete_message: z.object({ request_id: id, chat_id: id, message_id: id }),
  send_media: z.object({
    request_id: id,
    chat_id: id,
    media: outgoingMediaSchema,
    caption: text.optional(),
    reply_to: id.optional(),
    thread_id: id.optional(),
  }),
  /** Seconds; 0 stops it. Has no answer. */
  send_typing: z.object({ chat_id: id, duration: z.number().min(0).default(0), thread_id: id.optional() }),
  answer_callback_query: z.object({ request_id: id, callback_query_id: id, text: text.optional() }),
  ping: z.object({ request_id: id }),
  /** It is durable: a gateway that can have it delivered again may forget it now. Has no answer. */
  ack: z.object({ chat_id: id.optional(), message_id: id.optional(), callback_query_id: id.optional() }),
  shutdown: z.object({}),
} as const;
export type CommandType = keyof typeof commandSchemas;
export type Command<Type extends CommandType = CommandType> = {
  [T in Type]: { type: T } & Fields<z.infer<(typeof commandSchemas)[T]>>;
}[Type];

/** Who said something. Names are what people chose for themselves: nothing is decided by them. */
export const senderSchema = z.object({ id, username: text.optional(), display_name: text.optional() });
export type Sender = z.infer<typeof senderSchema>;

/** `headers`: what a request for `url` needs. `data` is base64. `size` in bytes. */
const mediaSchema = z.object({
  type: z.literal("media"),
  /** `image`, `video`, `audio`, `voice`, `document`, … */
  media_type: text,
  url: z.url().optional(),
  headers: z.record(z.string(), z.string()).optional(),
  data: z.base64().optional(),
  mime_type: text.optional(),
  filename: text.optional(),
  size: z.number().min(0).optional(),
  caption: text.optional(),
});
export type IncomingMedia = z.infer<typeof mediaSchema>;

export const contentSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("text"), text }),
  mediaSchema,
  z.object({ type: z.literal("location"), latitude: z.number(), longitude: z.number() }),
  z.object({ type: z.literal("contact"), name: text, phone: text }),
  z.object({ type: z.literal("unknown"), raw: z.json().optional() }),
]);
export type Content = z.infer<typeof contentSchema>;

/** What routes are matched with. `chat_type`: `dm`, `group` or `channel`; `thread_id` and other extras are strings. */
export const routingSchema = z
  .object({ channel: text, chat_type: text, chat_id: id, sender_id: text })
  .catchall(z.string());
export type Routing = z.infer<typeof routingSchema>;

const authMethodSchema = z.discriminatedUnion("method", [
  z.object({ method: z.literal("qr_code"), qr_data: text, qr_ascii: text.optional(), expires_in: z.number() }),
  z.object({ method: z.literal("pair_code"), code: text, expires_in: z.number() }),
]);
export type AuthMethod = z.infer<typeof authMethodSchema>;

/** Gateway → core. */
export const eventSchemas = {
  ready: z.object({ gateway: text, version: text, capabilities: z.array(text).default([]) }),
  /** `chat_id` is where answers go; `mentions_bot` and `reply_to_bot` say whether the bot is addressed. */
  message_received: z.object({
    message_id: id,
    chat_id: id,
    sender: senderSchema,
    content: contentSchema,
    /** More files of the same message. */
    attachments: z.array(mediaSchema).optional(),
    routing: routingSchema,
    reply_to: id.optional(),
    mentions_bot: z.boolean().default(false),
    reply_to_bot: z.boolean().default(false),
    timestamp: text.optional(),
    metadata: z.json().optional(),
  }),
  callback_query: z.object({
    callback_query_id: id,
    chat_id: id,
    sender: senderSchema,
    message_id: id.optional(),
    data: text,
  }),
  command_ok: z.object({ request_id: id, message_id: id.optional() }),
  /** `retry_after` in seconds. */
  command_error: z.object({
    request_id: id,
    code: text,
    message: text,
    retry_after: z.number().min(0).optional(),
  }),
  /** `connected`: the platform is reached. `last_inbound_at`: RFC 3339. */
  pong: z.object({
    request_id: id,
    uptime_seconds: z.number().min(0),
    connected: z.boolean(),
    last_inbound_at: text.optional(),
  }),
  error: z.object({ code: text, message: text, fatal: z.boolean().default(false) }),
  shutdown: z.object({ reason: text.default("") }),
  auth_required: z.object({ method: authMethodSchema }),
  auth_success: z.object({}),
} as const;
export type EventType = keyof typeof eventSchemas;
export type GatewayEvent<Type extends EventType = EventType> = {
  [T in Type]: { type: T } & Fields<z.infer<(typeof eventSchemas)[T]>>;
}[Type];
