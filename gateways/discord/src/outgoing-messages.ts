import { createHash } from "node:crypto";

import { MessageFlags, type CreateMessageOptions } from "@discordjs/core";
import { CommandFailure, splitMarkdown, type Command, type Sending } from "@duragent/gateway-protocol";

import { buttonRows } from "./buttons.ts";
import { isSnowflake, type Channels } from "./channels.ts";
import { isRefusedReply } from "./platform-failure.ts";

/** Discord counts characters, not UTF-16 units. https://discord.com/developers/docs/resources/message#create-message */
const limit = { max: 2_000, size: (markdown: string): number => Array.from(markdown).length };
/** An answer pings nobody, whatever it holds: it may repeat what anybody said. */
const pingNobody = { parse: [], replied_user: false } satisfies CreateMessageOptions["allowed_mentions"];

type Destination = { readonly requestId: string; readonly chatId: string; readonly replyTo: string | undefined };

/** The bot's messages: each answer as few as hold it. */
export class OutgoingMessages {
  readonly #channels: Channels;

  constructor(channels: Channels) {
    this.#channels = channels;
  }

  async send(command: Command<"send_message">, sending: Sending): Promise<string | undefined> {
    const parts = splitMarkdown(command.content, limit);
    if (parts.length === 0) throw new CommandFailure("invalid_request", "a message without text");
    const components = buttonRows(command.inline_keyboard);
    // Links in an answer are not fetched by Discord for a preview: their addresses may have been made up to tell something.
    const messages = parts.map((content) => ({ content, flags: MessageFlags.SuppressEmbeds }));
    const last = messages.length - 1;
    return this.#sendAll(
      destinationOf(command),
      messages.map((message, part) => ({ ...message, ...(part === last && components.length > 0 && { components }) })),
      sending,
    );
  }

  /** A file in the line is uploaded; one with an address is shown by Discord itself, which then fetches it. */
  async sendMedia(command: Command<"send_media">, sending: Sending): Promise<string | undefined> {
    const { media, caption = "" } = command;
    const captions: CreateMessageOptions[] = splitMarkdown(caption, limit).map((content) => ({ content }));
    if (media.source === "url")
      return this.#sendAll(destinationOf(command), [...captions, { content: media.url }], sending);
    const file = {
      name: media.filename ?? `file.${/\/(\w+)/.exec(media.mime_type)?.[1] ?? "bin"}`,
      data: Buffer.from(media.data, "base64"),
      contentType: media.mime_type,
    };
    const [first = {}, ...more] = captions;
    return this.#sendAll(destinationOf(command), [{ ...first, files: [file] }, ...more], sending);
  }

  /** Takes the buttons away. One message stays one: of a longer text its end, since what was sent is known by its last part. */
  async edit({ chat_id, message_id, content }: Command<"edit_message">): Promise<void> {
    const text = splitMarkdown(content, limit).at(-1);
    if (text === undefined) throw new CommandFailure("invalid_request", "a message without text");
    const message = messageId(message_id);
    await this.#channels.in(chat_id, (api, channel) =>
      api.editMessage(channel, message, { content: text, components: [], allowed_mentions: pingNobody }),
    );
  }

  async delete({ chat_id, message_id }: Command<"delete_message">): Promise<void> {
    const message = messageId(message_id);
    await this.#channels.in(chat_id, (api, channel) => api.deleteMessage(channel, message));
  }

  async #sendAll(
    { requestId, chatId, replyTo }: Destination,
    messages: readonly CreateMessageOptions[],
    sending: Sending,
  ): Promise<string | undefined> {
    let sent = sending.sentParts.at(-1);
    for (const [part, message] of messages.entries()) {
      if (part < sending.sentParts.length) continue;
      const id = await this.#create(
        chatId,
        {
          ...message,
          allowed_mentions: pingNobody,
          // Within some minutes Discord answers the same nonce with the message that it has already.
          nonce: nonceOf(requestId, part),
          enforce_nonce: true,
        },
        part === 0 ? replyTo : undefined,
      );
      await sending.partSent(id);
      sent = id;
    }
    return sent;
  }

  async #create(chatId: string, message: CreateMessageOptions, replyTo: string | undefined): Promise<string> {
    const create = async (more: CreateMessageOptions): Promise<string> => {
      const { id } = await this.#channels.in(chatId, (api, channel) =>
        api.createMessage(channel, { ...message, ...more }),
      );
      return id;
    };
    if (replyTo === undefined) return create({});
    try {
      return await create({ message_reference: { message_id: replyTo, fail_if_not_exists: false } });
    } catch (error) {
      // What it answers stands above it anyhow: it matters less than the answer.
      if (!isRefusedReply(error)) throw error;
      return create({});
    }
  }
}

function destinationOf(command: Command<"send_message" | "send_media">): Destination {
  const { request_id, chat_id, thread_id, reply_to } = command;
  return {
    requestId: request_id,
    // A thread is a channel of its own.
    chatId: thread_id ?? chat_id,
    replyTo: reply_to !== undefined && isSnowflake(reply_to) ? reply_to : undefined,
  };
}

function messageId(id: string): string {
  if (isSnowflake(id)) return id;
  throw new CommandFailure(
    "message_not_found",
    "no message of Discord has such an id: they are numbers of about 18 digits",
  );
}

/** At most 25 characters. */
function nonceOf(requestId: string, part: number): string {
  return createHash("sha256").update(`${requestId} ${part}`).digest("base64url").slice(0, 24);
}
