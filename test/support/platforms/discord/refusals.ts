import { messageTypes, type DiscordWorld } from "./world.ts";

/** An answer other than success, as https://discord.com/developers/docs/reference#error-messages has it. */
export class Refusal extends Error {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Record<string, string>;
  /** The request may be right, and only what it is about is not so. */
  isEveryday = false;

  constructor(status: number, code: number, message: string, more: Record<string, unknown> = {}, headers = {}) {
    super(message);
    this.status = status;
    this.body = { message, code, ...more };
    this.headers = headers;
  }
}

/** `field` with dots: `components.0.components.1.label`. */
function invalid(field: string, code: string, message: string): Refusal {
  const errors = field
    .split(".")
    .toReversed()
    .reduce<Record<string, unknown>>((inner, key) => ({ [key]: inner }), { _errors: [{ code, message }] });
  return new Refusal(400, 50_035, "Invalid Form Body", { errors });
}

function everyday(refusal: Refusal): Refusal {
  refusal.isEveryday = true;
  return refusal;
}

export type MessageBody = {
  content?: unknown;
  nonce?: unknown;
  enforce_nonce?: unknown;
  components?: unknown;
  message_reference?: { message_id?: unknown; fail_if_not_exists?: unknown };
  allowed_mentions?: { parse?: unknown; users?: unknown; roles?: unknown; replied_user?: unknown };
  flags?: unknown;
};

/** What people and commands write; all else is said by Discord itself. */
const answerableTypes: ReadonlySet<number> = new Set([messageTypes.default, messageTypes.reply, 20, 23]);
const flagsOfBots = 4 | 4_096 | 32_768;

/** Throws what Discord answers to a message that it does not take. `files`: how many come with it. */
export function checkMessage(world: DiscordWorld, channelId: string, body: MessageBody, files: number): void {
  const { content, nonce, flags, message_reference: reference } = body;
  if (content !== undefined && content !== null && typeof content !== "string")
    throw invalid("content", "STRING_TYPE_CONVERT", "Could not interpret value as string.");
  if (typeof content === "string" && Array.from(content).length > 2_000)
    throw invalid("content", "BASE_TYPE_MAX_LENGTH", "Must be 2000 or fewer in length.");
  if (nonce !== undefined && typeof nonce !== "number" && (typeof nonce !== "string" || nonce.length > 25))
    throw invalid("nonce", "NONCE_TYPE_INVALID_LENGTH", "Nonce must be 25 or fewer in length.");
  if (body.enforce_nonce !== undefined && typeof body.enforce_nonce !== "boolean")
    throw invalid("enforce_nonce", "BOOLEAN_TYPE_CONVERT", "Must be either true or false.");
  if (flags !== undefined && (typeof flags !== "number" || (flags & ~flagsOfBots) !== 0))
    throw invalid("flags", "MESSAGE_FLAGS_INVALID", "Invalid flags.");
  checkMentions(body.allowed_mentions);
  checkComponents(body.components);
  if (reference) checkReply(world, channelId, reference);
  if (files === 0 && (typeof content !== "string" || content.trim() === ""))
    throw new Refusal(400, 50_006, "Cannot send an empty message");
}

/** What may be answered: https://discord.com/developers/docs/resources/message#message-reference */
function checkReply(
  world: DiscordWorld,
  channelId: string,
  reference: NonNullable<MessageBody["message_reference"]>,
): void {
  const message = world.messages.get(String(reference.message_id));
  if (message?.channelId !== channelId) {
    if (reference.fail_if_not_exists === false) return;
    throw invalid("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message");
  }
  if (world.channelsWithoutHistory.has(channelId))
    throw new Refusal(403, 160_002, "Cannot reply without permission to read message history");
  if (!answerableTypes.has(message.type))
    throw everyday(
      invalid("message_reference", "REPLIES_CANNOT_REPLY_TO_SYSTEM_MESSAGE", "Cannot reply to a system message"),
    );
}

export function checkMentions(mentions: MessageBody["allowed_mentions"]): void {
  if (mentions === undefined) return;
  const parse: unknown[] = Array.isArray(mentions.parse) ? mentions.parse : [];
  const unknown = parse.findIndex((kind) => !["roles", "users", "everyone"].includes(String(kind)));
  if (unknown !== -1)
    throw invalid(`allowed_mentions.parse.${unknown}`, "BASE_TYPE_CHOICES", "Value must be one of the choices.");
  for (const kind of ["users", "roles"] as const)
    if (parse.includes(kind) && Array.isArray(mentions[kind]) && mentions[kind].length > 0)
      throw invalid("allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", `parse:["${kind}"] and ${kind}`);
}

/** https://discord.com/developers/docs/components/reference */
export function checkComponents(components: unknown): void {
  if (components === undefined) return;
  if (!Array.isArray(components)) throw invalid("components", "LIST_TYPE_CONVERT", "Only iterables may be used.");
  if (components.length > 5) throw invalid("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.");
  const ids = new Set<string>();
  for (const [y, row] of components.entries()) {
    const buttons: unknown = row?.components;
    if (row?.type !== 1) throw invalid(`components.${y}.type`, "UNION_TYPE_CHOICES", "Value must be one of {1}.");
    if (!Array.isArray(buttons) || buttons.length < 1 || buttons.length > 5)
      throw invalid(`components.${y}.components`, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.");
    for (const [x, button] of buttons.entries()) checkButton(button, `components.${y}.components.${x}`, ids);
  }
}

function checkButton(button: Record<string, unknown>, at: string, ids: Set<string>): void {
  const { type, style, label, custom_id: customId } = button;
  if (type !== 2) throw invalid(`${at}.type`, "UNION_TYPE_CHOICES", "Value must be one of {2}.");
  if (![1, 2, 3, 4].includes(Number(style)))
    throw invalid(`${at}.style`, "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3, 4, 5, 6}.");
  if (typeof label !== "string" || label === "")
    throw invalid(`${at}.label`, "BASE_TYPE_REQUIRED", "A label is required");
  if (Array.from(label).length > 80)
    throw invalid(`${at}.label`, "BASE_TYPE_MAX_LENGTH", "Must be 80 or fewer in length.");
  if (typeof customId !== "string" || customId.length < 1 || customId.length > 100)
    throw invalid(`${at}.custom_id`, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.");
  if (ids.has(customId))
    throw invalid(`${at}.custom_id`, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated");
  ids.add(customId);
}

export const unknownRoute = (): Refusal => new Refusal(404, 0, "404: Not Found");
export const unauthorized = (): Refusal => new Refusal(401, 0, "401: Unauthorized");
export const unknownChannel = (): Refusal => new Refusal(404, 10_003, "Unknown Channel");
export const invalidRecipient = (): Refusal => everyday(new Refusal(400, 50_033, "Invalid Recipient(s)"));
export const unknownGuild = (): Refusal => new Refusal(404, 10_004, "Unknown Guild");
export const unknownMessage = (): Refusal => new Refusal(404, 10_008, "Unknown Message");
export const unknownInteraction = (): Refusal => new Refusal(404, 10_062, "Unknown interaction");
export const answeredInteraction = (): Refusal =>
  new Refusal(400, 40_060, "Interaction has already been acknowledged.");
export const unknownWebhook = (): Refusal => new Refusal(404, 10_015, "Unknown Webhook");
export const invalidWebhookToken = (): Refusal => new Refusal(401, 50_027, "Invalid Webhook Token");

/** https://discord.com/developers/docs/topics/rate-limits */
export function rateLimited(retryAfterSeconds: number): Refusal {
  return new Refusal(
    429,
    0,
    "You are being rate limited.",
    { retry_after: retryAfterSeconds, global: false },
    {
      "Retry-After": String(Math.ceil(retryAfterSeconds)),
      "X-RateLimit-Limit": "5",
      "X-RateLimit-Remaining": "0",
      "X-RateLimit-Reset-After": String(retryAfterSeconds),
      "X-RateLimit-Bucket": "messages",
      "X-RateLimit-Scope": "user",
    },
  );
}
