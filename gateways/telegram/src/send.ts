import { CommandFailure, type Command, type Sending } from "@duragent/gateway-protocol";
import { InputFile, type Api } from "grammy";
import type { InlineKeyboardMarkup } from "grammy/types";

import type { ChatIds } from "./chat-ids.ts";
import { isRefused, toFailure } from "./failure.ts";
import { captionUnitsMax, messageParts, type MessagePart } from "./split.ts";

const callbackTextUnitsMax = 200;
const callbackDataBytesMax = 64;
/** Links are not fetched by Telegram for a preview: their addresses may have been made up to tell something. */
const noPreview = { link_preview_options: { is_disabled: true } };
/** Telegram gets few kinds of files by itself: as documents only PDF, ZIP and GIF (core.telegram.org/bots/api#sending-files). */
const notFetched = /HTTP URL|web page content|webpage_|type of file|photo_|image_process/i;
const unreadable = /can't parse entities|entit(?:y|ies)_/i;

/** Commands of the core as calls of the Bot API. */
export class Sender {
  readonly #api: Api;
  readonly #chats: ChatIds;

  constructor(api: Api, chats: ChatIds) {
    this.#api = api;
    this.#chats = chats;
  }

  async message(command: Command<"send_message">, sending: Sending): Promise<string | undefined> {
    const parts = messageParts(command.content);
    if (parts.length === 0) throw new CommandFailure("invalid_request", "there is no text to send");
    return this.#parts(parts, command, sending);
  }

  /** A caption that is too long for one follows as messages. */
  async media(command: Command<"send_media">, sending: Sending): Promise<string | undefined> {
    const caption = messageParts(command.caption ?? "", captionUnitsMax);
    const after = caption.length > 1 ? messageParts(command.caption ?? "") : [];
    const [sentFile, ...sentParts] = sending.sentParts;
    const file = sentFile ?? (await this.#file(command, caption.length === 1 ? caption[0] : undefined));
    if (sentFile === undefined) await sending.partSent(file);
    if (after.length === 0) return file;
    return this.#parts(after, { ...command, reply_to: undefined }, { ...sending, sentParts });
  }

  async edit({ chat_id, message_id, content }: Command<"edit_message">): Promise<void> {
    const [part, ...more] = messageParts(content);
    if (!part) throw new CommandFailure("invalid_request", "there is no text to put there");
    if (more.length > 0)
      throw new CommandFailure(
        "invalid_request",
        "the text is longer than one message, which is all an edit can change",
      );
    const id = messageNumber(message_id);
    await this.#readable(part, chat_id, (chat, text, html) =>
      this.#api.editMessageText(chat, id, text, { ...html, ...noPreview }),
    ).catch((error: unknown) => {
      if (!isRefused(error, /message is not modified/i)) throw toFailure(error);
    });
  }

  async delete({ chat_id, message_id }: Command<"delete_message">): Promise<void> {
    await this.#chats.in(chat_id, (chat) => this.#api.deleteMessage(chat, messageNumber(message_id))).catch(thrown);
  }

  /** Telegram shows it for 5 s, or until a message comes: 0 needs no call. */
  async typing({ chat_id, duration, thread_id }: Command<"send_typing">): Promise<void> {
    if (duration === 0) return;
    await this.#chats.in(chat_id, (chat) => this.#api.sendChatAction(chat, "typing", thread(thread_id))).catch(thrown);
  }

  async answerPress({ callback_query_id: id, text }: Command<"answer_callback_query">): Promise<void> {
    const shown = text?.slice(0, callbackTextUnitsMax).toWellFormed();
    await this.#api.answerCallbackQuery(id, shown === undefined ? {} : { text: shown }).catch(thrown);
  }

  async #parts(
    parts: readonly MessagePart[],
    command: Pick<Command<"send_message">, "chat_id" | "reply_to" | "thread_id" | "inline_keyboard">,
    { sentParts, partSent }: Sending,
  ): Promise<string | undefined> {
    let last = sentParts.at(-1);
    const keyboard = keyboardOf(command.inline_keyboard);
    for (const [index, part] of parts.entries()) {
      if (index < sentParts.length) continue;
      const about = {
        ...(index === 0 && replyTo(command.reply_to)),
        ...(index === parts.length - 1 && keyboard && { reply_markup: keyboard }),
      };
      last = await this.#part(part, command, about).catch(thrown);
      await partSent(last);
    }
    return last;
  }

  async #part(
    part: MessagePart,
    { chat_id, thread_id }: { chat_id: string; thread_id?: string | undefined },
    about: object,
  ): Promise<string> {
    const send = (topic: string | undefined): Promise<{ message_id: number }> =>
      this.#readable(part, chat_id, (chat, text, html) =>
        this.#api.sendMessage(chat, text, { ...html, ...thread(topic), ...about, ...noPreview }),
      );
    const sent = await send(thread_id).catch((error: unknown) => {
      // The topic was deleted; its chat is still there.
      if (thread_id === undefined || !isRefused(error, /message thread not found|topic_deleted/i)) throw error;
      return send(undefined);
    });
    return String(sent.message_id);
  }

  /** What Telegram can not read as HTML is sent as it is: better plain than not at all. */
  async #readable<Sent>(
    { html, plain }: MessagePart,
    chatId: string,
    call: (chat: number | string, text: string, html: { parse_mode?: "HTML" }) => Promise<Sent>,
  ): Promise<Sent> {
    return this.#chats.in(chatId, async (chat) => {
      try {
        return await call(chat, html, { parse_mode: "HTML" });
      } catch (error) {
        if (!isRefused(error, unreadable)) throw error;
        return await call(chat, plain, {});
      }
    });
  }

  /** A file with an address that Telegram does not fetch is told as that address. */
  async #file(command: Command<"send_media">, caption: MessagePart | undefined): Promise<string> {
    try {
      return await this.#sentFile(command, caption);
    } catch (error) {
      const { media } = command;
      if (media.source !== "url" || !isRefused(error, notFetched)) throw toFailure(error);
      const about = caption === undefined ? "" : `${command.caption}\n\n`;
      const [part, ...more] = messageParts(`${about}<${new URL(media.url).href}>`);
      if (!part || more.length > 0) throw toFailure(error);
      return this.#part(part, command, replyTo(command.reply_to)).catch(thrown);
    }
  }

  async #sentFile(command: Command<"send_media">, caption: MessagePart | undefined): Promise<string> {
    const { media, chat_id, reply_to, thread_id } = command;
    const about = { ...replyTo(reply_to), ...thread(thread_id) };
    // Photos are pressed into shape; all else arrives as it is.
    const isPhoto =
      /^image\/(?:jpeg|png|webp)$/.test(media.mime_type ?? "") ||
      (media.source === "url" && /\.(?:jpe?g|png|webp)$/i.test(new URL(media.url).pathname));
    const send = (chat: number | string, more: object): Promise<{ message_id: number }> => {
      const file =
        media.source === "url" ? media.url : new InputFile(Buffer.from(media.data, "base64"), media.filename ?? "file");
      const given = { ...about, ...more };
      return isPhoto ? this.#api.sendPhoto(chat, file, given) : this.#api.sendDocument(chat, file, given);
    };
    const sent = await (caption
      ? this.#readable(caption, chat_id, (chat, text, html) => send(chat, { caption: text, ...html }))
      : this.#chats.in(chat_id, (chat) => send(chat, {})));
    return String(sent.message_id);
  }
}

function keyboardOf(keyboard: Command<"send_message">["inline_keyboard"]): InlineKeyboardMarkup | undefined {
  const rows = keyboard?.rows.filter((row) => row.length > 0) ?? [];
  const tooLong = rows.flat().find(({ callback_data }) => Buffer.byteLength(callback_data) > callbackDataBytesMax);
  if (tooLong)
    throw new CommandFailure(
      "invalid_request",
      `a button's callback_data is longer than ${callbackDataBytesMax} bytes`,
    );
  if (rows.length === 0) return undefined;
  return { inline_keyboard: rows.map((row) => row.map(({ text, callback_data }) => ({ text, callback_data }))) };
}

function replyTo(messageId: string | undefined): object {
  if (messageId === undefined) return {};
  return { reply_parameters: { message_id: messageNumber(messageId), allow_sending_without_reply: true } };
}

function thread(threadId: string | undefined): { message_thread_id?: number } {
  return threadId === undefined ? {} : { message_thread_id: messageNumber(threadId) };
}

function messageNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new CommandFailure("invalid_request", `"${text}" is no message id of Telegram`);
  return Number(text);
}

function thrown(error: unknown): never {
  throw toFailure(error);
}
