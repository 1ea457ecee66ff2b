import { chatTypeOf, type ChatType } from "../../domain/gateways/chat-type.ts";
import { messageKey } from "../../domain/gateways/message-key.ts";
import { senderLabel } from "../../domain/gateways/sender-label.ts";
import type { Chat } from "../../ports/chat-index.ts";
import type { SessionId } from "../../schema/ids.ts";
import type { Newest } from "./newest.ts";
import type { ChatReplies, Reply } from "./chat-replies.ts";
import type { MessageEvent, RouterParts } from "./router-parts.ts";

/** A message on its way in. Kept while it is tried again. */
export type Incoming = {
  readonly event: MessageEvent;
  readonly key: string;
  /** By the configured name of the gateway that handed it over: what an event says of itself makes it no other's. */
  readonly chat: Chat;
  readonly chatType: ChatType;
  readonly isGroup: boolean;
  readonly addressed: boolean;
  readonly senderId: string;
  readonly senderName: string;
  readonly threadId: string | undefined;
  /** What the model reads, for the session it was made for. */
  described?: { readonly sessionId: SessionId; readonly text: string };
};

/** What all that comes in shares. */
export type WayIn = {
  readonly parts: RouterParts;
  readonly replies: ChatReplies;
  /** Fires when the server stops: nothing more is waited for. */
  readonly stopping: AbortSignal;
  /** Of senders, by gateway and id: for people to read. */
  readonly names: Newest<string>;
  /** Since when it is in the log that a sender of a chat is not heard, on the monotonic clock. */
  readonly unheard: Newest<number>;
  /** Questions that were answered here, by chat and tag. */
  readonly decided: Newest<true>;
};

export function incomingOf(gateway: string, event: MessageEvent, digest: (text: string) => string): Incoming {
  const chatType = chatTypeOf(event.routing.chat_type);
  const threadId = event.routing.thread_id;
  return {
    event,
    key: messageKey({ gateway, chatId: event.chat_id, messageId: event.message_id }, digest),
    chat: { gateway, chatId: event.chat_id },
    chatType,
    isGroup: chatType === "group",
    addressed: event.mentions_bot || event.reply_to_bot,
    senderId: event.sender.id,
    senderName: senderLabel(event.sender),
    threadId: threadId === "" ? undefined : threadId,
  };
}

/** `part` tells replies to one message apart. */
export const replyTo = (message: Incoming, part: string, content: string): Reply => ({
  ...message.chat,
  requestId: `${message.key}.${part}`,
  content,
  replyTo: message.isGroup ? message.event.message_id : undefined,
  threadId: message.threadId,
});

/** Whether somebody said it to the bot, and so may be told what became of it. */
export const isToBot = (message: Incoming): boolean => !message.isGroup || message.addressed;
