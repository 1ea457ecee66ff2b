import type { GatewayEvent, IncomingMedia } from "@duragent/gateway-protocol";
import { z } from "zod";

import { fileSchema, type SlackFile } from "./files.ts";
import type { Person } from "./people.ts";
import { plainText, withoutLeadingMention } from "./plain-text.ts";

/** What somebody has passed on from elsewhere in Slack; with a link to a message Slack shows it the same way. */
const passedOn = z.object({
  is_share: z.boolean().optional(),
  is_msg_unfurl: z.boolean().optional(),
  text: z.string().nullish(),
  fallback: z.string().nullish(),
  files: z.array(fileSchema).optional().catch([]),
});

/** The parts of `message` and `app_mention` that are read. https://docs.slack.dev/reference/events/message */
export const messageSchema = z.object({
  type: z.enum(["message", "app_mention"]),
  channel: z.string().min(1),
  channel_type: z.string().optional(),
  ts: z.string().regex(/^\d+\.\d+$/),
  subtype: z.string().optional(),
  user: z.string().optional(),
  bot_id: z.string().nullish(),
  text: z.string().nullish(),
  thread_ts: z.string().optional(),
  parent_user_id: z.string().optional(),
  files: z.array(fileSchema).optional().catch([]),
  attachments: z.array(passedOn).optional().catch([]),
});
export type SlackMessage = z.infer<typeof messageSchema>;

const takenSubtypes: ReadonlySet<string | undefined> = new Set([
  undefined,
  "file_share",
  "thread_broadcast",
  "me_message",
]);

/** Slack itself, as it speaks to people. */
const slackbot = "USLACKBOT";

/** Whether a person says something: not an edit, a deletion, somebody who joins, a bot. */
export function isSaidByPerson(message: SlackMessage, botUserId: string): boolean {
  return (
    takenSubtypes.has(message.subtype) &&
    message.user !== undefined &&
    ![botUserId, slackbot].includes(message.user) &&
    !message.bot_id
  );
}

/** A conversation with one person: `im`, or `app_home` as older apps are told; mentions come without a type. */
export function isDirect({ channel, channel_type: type }: Pick<SlackMessage, "channel" | "channel_type">): boolean {
  return type === "im" || type === "app_home" || (type === undefined && channel.startsWith("D"));
}

/** All files of a message: its own, then those of what it passes on. */
export function filesOf({ files = [], attachments = [] }: SlackMessage): SlackFile[] {
  return [...files, ...attachments.filter(isPassedOn).flatMap((each) => each.files ?? [])];
}

function isPassedOn({ is_share, is_msg_unfurl }: z.infer<typeof passedOn>): boolean {
  return is_share === true || is_msg_unfurl === true;
}

export type Circumstances = {
  readonly botUserId: string;
  readonly botToken: string;
  /** Of the Web API: another Slack, in a test for one, keeps files there. */
  readonly apiRoot: string;
  /** Whether the bot has spoken in the message's thread. */
  readonly isBotsThread: boolean;
  readonly people: ReadonlyMap<string, Person>;
  /** Those of `filesOf`, with all that Slack says of them. */
  readonly files: readonly SlackFile[];
};

/** A message as the core takes it. */
export function incomingMessage(message: SlackMessage, around: Circumstances): GatewayEvent<"message_received"> {
  const { channel, ts, thread_ts: threadTs, user = "" } = message;
  const isDm = isDirect(message);
  const isReply = threadTs !== undefined && threadTs !== ts;
  const raw = message.text ?? "";
  const person = around.people.get(user) ?? {};
  // What is said to a group begins a thread: all that one turn answers belongs into it, not only its first message.
  const threadId = threadTs ?? (isDm ? undefined : ts);
  return {
    type: "message_received",
    message_id: ts,
    chat_id: channel,
    sender: {
      id: user,
      ...(person.username !== undefined && { username: person.username }),
      ...(person.displayName !== undefined && { display_name: person.displayName }),
    },
    ...contentOf(
      [textOf(raw, around), ...passedOnTexts(message, around)].filter((text) => text !== ""),
      around,
    ),
    routing: {
      channel: "slack",
      chat_type: isDm ? "dm" : "group",
      chat_id: channel,
      sender_id: user,
      ...(threadId !== undefined && { thread_id: threadId }),
    },
    ...(isReply && { reply_to: threadTs }),
    mentions_bot: message.type === "app_mention" || mentions(raw, around.botUserId),
    reply_to_bot: isReply && (message.parent_user_id === around.botUserId || around.isBotsThread),
    timestamp: new Date(Number(ts) * 1_000).toISOString(),
  };
}

function mentions(text: string, userId: string): boolean {
  return text.includes(`<@${userId}>`) || text.includes(`<@${userId}|`);
}

function textOf(raw: string, { botUserId, people }: Circumstances): string {
  return plainText(withoutLeadingMention(raw, botUserId), (id) => {
    const person = people.get(id);
    return person?.displayName ?? person?.username;
  });
}

function passedOnTexts({ attachments = [] }: SlackMessage, around: Circumstances): string[] {
  return attachments.filter(isPassedOn).flatMap(({ text, fallback }) => {
    const said = textOf(text || fallback || "", around);
    return said === "" ? [] : [`[forwarded]\n${said}`];
  });
}

function contentOf(
  texts: readonly string[],
  around: Circumstances,
): Pick<GatewayEvent<"message_received">, "content" | "attachments"> {
  const text = texts.join("\n");
  const [first, ...others] = around.files.map((each) => mediaOf(each, around));
  if (first === undefined) return { content: text.trim() === "" ? { type: "unknown" } : { type: "text", text } };
  return {
    content: { ...first, ...(text !== "" && { caption: text }) },
    ...(others.length > 0 && { attachments: others }),
  };
}

function mediaOf({ name, mimetype, size, subtype, ...urls }: SlackFile, around: Circumstances): IncomingMedia {
  const url = urls.url_private_download ?? urls.url_private;
  return {
    type: "media",
    media_type: kindOf(mimetype ?? "", subtype ?? ""),
    ...(url && { url }),
    ...(url && isKeptBySlack(url, around.apiRoot) && { headers: { authorization: `Bearer ${around.botToken}` } }),
    ...(mimetype && { mime_type: mimetype }),
    ...(name && { filename: name }),
    ...(typeof size === "number" && { size }),
  };
}

/**
 * Files that people only link to, from a drive or an app, stand here with the address of whoever keeps them: the token is not
 * for them. https://docs.slack.dev/reference/objects/file-object (`is_external`)
 */
function isKeptBySlack(url: string, apiRoot: string): boolean {
  const { protocol, hostname, origin } = new URL(url);
  if (origin === new URL(apiRoot).origin) return true;
  return protocol === "https:" && /(?:^|\.)slack(?:-gov)?\.com$/.test(hostname);
}

function kindOf(mimeType: string, subtype: string): string {
  if (subtype === "slack_audio") return "voice";
  const kind = mimeType.split("/")[0] ?? "";
  return ["image", "video", "audio"].includes(kind) ? kind : "document";
}
