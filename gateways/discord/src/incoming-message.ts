import {
  MessageReferenceType,
  MessageType,
  type APIAttachment,
  type APIMessageSnapshotFields,
  type GatewayMessageCreateDispatchData,
} from "@discordjs/core";
import type { Content, GatewayEvent, IncomingMedia } from "@duragent/gateway-protocol";

import type { Guilds } from "./guilds.ts";
import { readableText } from "./readable-text.ts";

export type Self = { readonly id: string; readonly username: string };
type Message = GatewayMessageCreateDispatchData;
type Said = Pick<Message, "content" | "attachments" | "embeds" | "sticker_items"> & Pick<Partial<Message>, "poll">;

/** What people write; the others say that someone joined, pinned, boosted … */
const written = new Set([MessageType.Default, MessageType.Reply, MessageType.ThreadStarterMessage]);

/** What the core is told of a message; `undefined` for what bots and Discord itself say. */
export function incomingMessage(
  message: Message,
  self: Self,
  guilds: Guilds,
): GatewayEvent<"message_received"> | undefined {
  const { author, guild_id: guildId, channel_id: channelId } = message;
  if (author.bot || author.system || author.id === self.id || message.webhook_id !== undefined) return undefined;
  if (!written.has(message.type)) return undefined;
  const roleId = guilds.ownRole(guildId);
  const parentId = guilds.parentOf(guildId, channelId);
  const replyTo = message.type === MessageType.Reply ? message.message_reference?.message_id : undefined;
  // A thread's first message only repeats the one it was opened on, which was answered there if it was for the bot.
  const starter = message.type === MessageType.ThreadStarterMessage;
  return {
    type: "message_received",
    message_id: message.id,
    chat_id: channelId,
    sender: {
      id: author.id,
      username: author.username,
      display_name: message.member?.nick ?? author.global_name ?? author.username,
    },
    ...contentOf(starter ? (message.referenced_message ?? message) : message, message, self, guilds),
    routing: {
      channel: "discord",
      chat_type: guildId === undefined ? "dm" : "group",
      chat_id: channelId,
      sender_id: author.id,
      ...(guildId !== undefined && { guild_id: guildId }),
      ...(parentId !== undefined && { parent_id: parentId }),
    },
    ...(replyTo !== undefined && { reply_to: replyTo }),
    mentions_bot:
      !starter &&
      (message.mentions.some(({ id }) => id === self.id) ||
        (roleId !== undefined && message.mention_roles.includes(roleId))),
    reply_to_bot: replyTo !== undefined && message.referenced_message?.author.id === self.id,
    timestamp: message.timestamp,
  };
}

function contentOf(
  said: Said,
  message: Message,
  self: Self,
  guilds: Guilds,
): { content: Content; attachments?: IncomingMedia[] } {
  const forwarded =
    message.message_reference?.type === MessageReferenceType.Forward
      ? (message.message_snapshots ?? []).map(({ message: snapshot }) => snapshot)
      : [];
  const read = (content: string): string =>
    readableText(content, {
      bot: { id: self.id, name: self.username, roleId: guilds.ownRole(message.guild_id) },
      user: (id) => message.mentions.find((user) => user.id === id)?.username,
      role: (id) => guilds.roleName(message.guild_id, id),
      channel: (id) => guilds.channelName(message.guild_id, id),
    });
  const text = [...linesOf(said, read), ...forwarded.flatMap((it) => forwardedLines(it, read))].join("\n");
  const [first, ...others] = [said, ...forwarded].flatMap(({ attachments }) => attachments.map(mediaOf));
  if (!first) return { content: text === "" ? { type: "unknown" } : { type: "text", text } };
  return {
    content: { ...first, ...(text !== "" && { caption: text }) },
    ...(others.length > 0 && { attachments: others }),
  };
}

function forwardedLines(snapshot: APIMessageSnapshotFields, read: (content: string) => string): string[] {
  const lines = linesOf(snapshot, read);
  return lines.length === 0 ? [] : ["[forwarded]", ...lines];
}

function linesOf(said: Said, read: (content: string) => string): string[] {
  return [
    read(said.content),
    ...(said.sticker_items ?? []).map(({ name }) => `[sticker: ${name}]`),
    ...said.embeds.map(({ title, description, url }) => [title, description, url].filter(Boolean).join("\n")),
    ...(said.poll
      ? [
          `[poll: ${said.poll.question.text ?? ""}]`,
          ...said.poll.answers.map(({ poll_media }) => `- ${poll_media.text ?? ""}`),
        ]
      : []),
  ].filter((line) => line !== "");
}

function mediaOf(attachment: APIAttachment): IncomingMedia {
  const { content_type: mimeType, duration_secs: voiceSeconds } = attachment;
  const kind = /^(image|video|audio)\//.exec(mimeType ?? "")?.[1] ?? "document";
  return {
    type: "media",
    // Only voice messages say how long they are.
    media_type: kind === "audio" && voiceSeconds !== undefined ? "voice" : kind,
    url: attachment.url,
    ...(mimeType !== undefined && { mime_type: mimeType }),
    filename: attachment.filename,
    size: attachment.size,
  };
}
