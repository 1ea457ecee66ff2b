import type { GatewayEvent } from "@duragent/gateway-protocol";
import type { CallbackQuery, Chat, Message, MessageEntity, User } from "grammy/types";

import { contentOf, type FileAddress } from "./content.ts";

export type Bot = { readonly id: number; readonly username: string };

/** A message as the core takes it; `undefined` where it is not for the core: a bot's own, or one that only says what happened to the chat. */
export async function incomingMessage(
  message: Message,
  bot: Bot,
  addressOf: FileAddress,
): Promise<GatewayEvent<"message_received"> | undefined> {
  const sender = senderOf(message);
  if (!sender) return undefined;
  const content = await contentOf(withoutLeadingMention(message, bot), addressOf);
  if (!content) return undefined;
  const chatId = String(message.chat.id);
  const topic = topicOf(message);
  const answered = message.reply_to_message;
  // Inside a topic every message answers the one that opened it.
  const isAnswer = answered !== undefined && !("forum_topic_created" in answered);
  return {
    type: "message_received",
    message_id: String(message.message_id),
    chat_id: chatId,
    sender,
    content,
    routing: {
      channel: "telegram",
      chat_type: chatTypeOf(message.chat),
      chat_id: chatId,
      sender_id: sender.id,
      ...(topic !== undefined && { thread_id: topic }),
    },
    ...(isAnswer && { reply_to: String(answered.message_id) }),
    mentions_bot: mentions(message, bot),
    reply_to_bot: isAnswer && answered.from?.id === bot.id,
    timestamp: new Date(message.date * 1000).toISOString(),
  };
}

/** A press of a button; `undefined` for one of a message that the bot did not send to a chat, or without our data. */
export function incomingPress(query: CallbackQuery): GatewayEvent<"callback_query"> | undefined {
  const { id, message, data, from } = query;
  if (!message || data === undefined) return undefined;
  return {
    type: "callback_query",
    callback_query_id: id,
    chat_id: String(message.chat.id),
    sender: userAsSender(from),
    message_id: String(message.message_id),
    data,
  };
}

function senderOf({ from, sender_chat: chat }: Message): GatewayEvent<"message_received">["sender"] | undefined {
  // An anonymous administrator or a channel speaks as a chat; `from` is then a stand-in for old programs.
  if (chat) {
    const name = "title" in chat ? chat.title : undefined;
    const username = "username" in chat ? chat.username : undefined;
    return { id: String(chat.id), ...(username && { username }), ...(name && { display_name: name }) };
  }
  return from && !from.is_bot ? userAsSender(from) : undefined;
}

function userAsSender({ id, username, first_name, last_name }: User): GatewayEvent<"message_received">["sender"] {
  const name = [first_name, last_name].filter(Boolean).join(" ");
  return { id: String(id), ...(username && { username }), ...(name !== "" && { display_name: name }) };
}

function chatTypeOf({ type }: Chat): string {
  if (type === "private") return "dm";
  return type === "channel" ? "channel" : "group";
}

function topicOf({ is_topic_message, message_thread_id }: Message): string | undefined {
  return is_topic_message && message_thread_id !== undefined ? String(message_thread_id) : undefined;
}

function mentions(message: Message, bot: Bot): boolean {
  const { text, entities } = textAndEntities(message);
  return entities.some((entity) => isBot(entity, text, bot));
}

function isBot(entity: MessageEntity, text: string, { id, username }: Bot): boolean {
  if (entity.type === "text_mention") return entity.user.id === id;
  const said = text.slice(entity.offset, entity.offset + entity.length).toLowerCase();
  if (entity.type === "mention") return said === `@${username.toLowerCase()}`;
  return entity.type === "bot_command" && said.endsWith(`@${username.toLowerCase()}`);
}

function textAndEntities({ text, entities, caption, caption_entities }: Message): {
  text: string;
  entities: readonly MessageEntity[];
} {
  return { text: text ?? caption ?? "", entities: entities ?? caption_entities ?? [] };
}

/** Whom it is said to is no part of what is said. */
function withoutLeadingMention(message: Message, bot: Bot): Message {
  const { text, entities } = textAndEntities(message);
  const first = entities.find(({ offset, type }) => offset === 0 && type !== "bot_command");
  if (!first || !isBot(first, text, bot)) return message;
  const rest = text.slice(first.length).replace(/^[\s,:]+/, "");
  if (rest === "") return message;
  return { ...message, ...(message.text === undefined ? { caption: rest } : { text: rest }) };
}
