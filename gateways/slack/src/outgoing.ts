import { CommandFailure, type Command, type Keyboard, type Sending } from "@duragent/gateway-protocol";
import { WebAPIPlatformError, type KnownBlock, type WebClient } from "@slack/web-api";

import { messageTexts } from "./message-text.ts";
import type { Threads } from "./threads.ts";

/** What an edit holds: a message has one text, however long, and its sections together are as long as a markdown block. */
const sectionsOfEditMax = 4;
/** https://docs.slack.dev/reference/block-kit/block-elements/button-element */
const captionMax = 75;
/** https://docs.slack.dev/reference/block-kit/blocks/actions-block */
const buttonsOfRowMax = 25;

type Place = { readonly channel: string; readonly thread_ts?: string };

/** Messages of the bot. */
export class Outgoing {
  readonly #web: WebClient;
  readonly #threads: Threads;

  constructor(web: WebClient, threads: Threads) {
    this.#web = web;
    this.#threads = threads;
  }

  async send(command: Command<"send_message">, sending: Sending): Promise<string | undefined> {
    const texts = messageTexts(command.content);
    if (texts.length === 0) throw new CommandFailure("invalid_request", "there is nothing to send: the text is blank");
    return this.#sendTexts(placeOf(command), texts, sending, command.inline_keyboard);
  }

  async edit({ chat_id, message_id, content }: Command<"edit_message">): Promise<void> {
    const texts = messageTexts(content);
    const text = texts.at(-1);
    if (text === undefined) throw new CommandFailure("invalid_request", "there is nothing to show: the text is blank");
    // Of a longer text its end, since what was sent is known by its last part.
    const shown = texts.slice(-sectionsOfEditMax);
    const blocks = [...(shown.length < texts.length ? [section("…")] : []), ...shown.map(section)];
    await this.#web.chat.update({ channel: chat_id, ts: message_id, text, blocks });
  }

  async delete({ chat_id, message_id }: Command<"delete_message">): Promise<void> {
    await this.#web.chat.delete({ channel: chat_id, ts: message_id });
  }

  /** A file in the line is uploaded; an address is sent as such. */
  async sendMedia(command: Command<"send_media">, sending: Sending): Promise<string | undefined> {
    const place = placeOf(command);
    const { media, caption = "" } = command;
    const captions = messageTexts(caption);
    if (media.source === "url") {
      const address = media.url.replaceAll(/[<>|\s]/g, encodeURIComponent).replaceAll("&", "&amp;");
      return this.#sendTexts(place, [...captions, `<${address}>`], sending);
    }
    const [comment, ...others] = captions;
    if (sending.sentParts.length === 0) {
      await this.#rememberThread(place, place.thread_ts);
      await this.#upload(place, media, comment);
      // Slack does not tell the id of the message that shows the file.
      await sending.partSent("file");
    }
    const later = { ...sending, sentParts: sending.sentParts.slice(1), partSent: (id: string) => sending.partSent(id) };
    return others.length === 0 ? undefined : this.#sendTexts(place, others, later);
  }

  async #upload(
    place: Place,
    media: Extract<Command<"send_media">["media"], { source: "base64" }>,
    comment: string | undefined,
  ): Promise<void> {
    const target = { ...(comment !== undefined && { initial_comment: comment }) };
    const file = { file: Buffer.from(media.data, "base64"), filename: media.filename ?? "file" };
    const { channel, thread_ts } = place;
    await (thread_ts === undefined
      ? this.#web.filesUploadV2({ channel_id: channel, ...file, ...target })
      : this.#web.filesUploadV2({ channel_id: channel, thread_ts, ...file, ...target }));
  }

  /** One message each; an earlier try may have sent the first ones. The keyboard stands under the last. */
  async #sendTexts(
    place: Place,
    texts: readonly string[],
    sending: Sending,
    keyboard?: Keyboard,
  ): Promise<string | undefined> {
    let last = sending.sentParts.at(-1);
    for (const [index, text] of texts.entries()) {
      if (index < sending.sentParts.length) continue;
      await this.#rememberThread(place, place.thread_ts);
      const isLast = index === texts.length - 1;
      last = await this.#post(place, text, isLast ? keyboard : undefined);
      await sending.partSent(last);
      if (place.thread_ts === undefined) await this.#rememberThread(place, last);
    }
    return last;
  }

  async #post(place: Place, text: string, keyboard: Keyboard | undefined): Promise<string> {
    const message = {
      // Shown where blocks are not: in notifications.
      text,
      blocks: [section(text), ...(keyboard ? buttonsOf(keyboard) : [])],
      unfurl_links: false,
      unfurl_media: false,
    };
    const { ts } = await this.#web.chat.postMessage({ ...place, ...message }).catch((error: unknown) => {
      if (place.thread_ts === undefined || !isWithoutThread(error)) throw error;
      return this.#web.chat.postMessage({ channel: place.channel, ...message });
    });
    if (ts === undefined)
      throw new CommandFailure("platform_error", "Slack: the message was taken, but not its id told");
    return ts;
  }

  /** An answer in it is for the bot. Where it cannot be kept, people mention the bot again. */
  async #rememberThread({ channel }: Place, threadTs: string | undefined): Promise<void> {
    if (threadTs !== undefined && !isDirectChat(channel)) await this.#threads.add(channel, threadTs);
  }
}

function placeOf({ chat_id, thread_id, reply_to }: Command<"send_message" | "send_media">): Place {
  // In a group an answer begins a thread under the message; between two people that would only hide it.
  const threadTs = thread_id ?? (isDirectChat(chat_id) ? undefined : reply_to);
  return { channel: chat_id, ...(threadTs !== undefined && { thread_ts: threadTs }) };
}

/** Also by the id of a person, whom Slack then tells in direct messages. */
function isDirectChat(channel: string): boolean {
  return /^[DUW]/.test(channel);
}

/** Slack lets nobody answer some messages, as those of its own; the answer is worth more than its place. */
function isWithoutThread(error: unknown): boolean {
  return error instanceof WebAPIPlatformError && error.data.error === "cannot_reply_to_message";
}

/** `verbatim`: a bare @channel or #name stays text. `expand`: a long section is not folded. */
function section(text: string): KnownBlock {
  return { type: "section", expand: true, text: { type: "mrkdwn", text, verbatim: true } };
}

function buttonsOf({ rows }: Keyboard): KnownBlock[] {
  return rows
    .filter((row) => row.length > 0)
    .map((row, rowIndex) => ({
      type: "actions",
      elements: row.slice(0, buttonsOfRowMax).map((button, index) => ({
        type: "button",
        text: { type: "plain_text", text: captionOf(button.text), emoji: true },
        value: button.callback_data,
        // One of each in a message.
        action_id: `duragent-${rowIndex}-${index}`,
      })),
    }));
}

function captionOf(text: string): string {
  const shown = text.length <= captionMax ? text : `${Array.from(text).slice(0, 36).join("")}…`;
  return shown.trim() === "" ? "…" : shown;
}
