import type { Content } from "@duragent/gateway-protocol";
import type { Message } from "grammy/types";

/** The largest file that a bot can fetch: 20 MB (core.telegram.org/bots/api#getfile). Bytes. */
const fileBytesMax = 20_000_000;

/** Where a file is to be fetched; `too large` where Telegram does not give it out. Throws when Telegram is not reached. */
export type FileAddress = (fileId: string) => Promise<{ readonly url: string } | "too large">;

type Attachment = { file_id: string; file_size?: number; mime_type?: string; file_name?: string };

/** What a message says; `undefined` where it only tells of the chat itself: who came, what was pinned. */
export async function contentOf(message: Message, addressOf: FileAddress): Promise<Content | undefined> {
  if (message.text !== undefined) return { type: "text", text: message.text };
  const attached = attachmentOf(message);
  if (attached) return media(attached, message.caption, addressOf);
  const place = message.location ?? message.venue?.location;
  if (place) return { type: "location", latitude: place.latitude, longitude: place.longitude };
  if (message.contact) {
    const { first_name, last_name, phone_number } = message.contact;
    return { type: "contact", name: [first_name, last_name].filter(Boolean).join(" "), phone: phone_number };
  }
  return other(message);
}

function attachmentOf(message: Message): { kind: string; file: Attachment } | undefined {
  const { photo, document, voice, video, video_note: note, audio, animation, sticker } = message;
  const largest = photo?.toSorted((a, b) => b.width * b.height - a.width * a.height)[0];
  if (largest) return { kind: "image", file: { ...largest, mime_type: "image/jpeg" } };
  if (voice) return { kind: "voice", file: voice };
  // An animation comes also as a document, for old programs.
  const moving = video ?? animation ?? note;
  if (moving) return { kind: "video", file: { mime_type: "video/mp4", ...moving } };
  if (audio) return { kind: "audio", file: audio };
  if (document) return { kind: "document", file: document };
  if (!sticker) return undefined;
  const still = sticker.is_animated ? "application/x-tgsticker" : "image/webp";
  const kind = sticker.is_animated ? "document" : sticker.is_video ? "video" : "image";
  return { kind, file: { ...sticker, mime_type: sticker.is_video ? "video/webm" : still } };
}

async function media(
  { kind, file }: { kind: string; file: Attachment },
  caption: string | undefined,
  addressOf: FileAddress,
): Promise<Content> {
  const size = file.file_size;
  const address = size !== undefined && size > fileBytesMax ? "too large" : await addressOf(file.file_id);
  const about = {
    type: "media",
    media_type: kind,
    ...(file.mime_type !== undefined && { mime_type: file.mime_type }),
    ...(file.file_name !== undefined && { filename: file.file_name }),
    ...(size !== undefined && { size }),
  } as const;
  if (address !== "too large") return { ...about, url: address.url, ...(caption !== undefined && { caption }) };
  const note = `[${file.file_name ?? kind}: too large to be fetched; bots get files of up to 20 MB from Telegram]`;
  return { ...about, caption: caption === undefined ? note : `${caption}\n${note}` };
}

/** Things that people say and that are none of the above; all else is news about the chat. */
const others = ["poll", "dice", "game", "story", "paid_media", "checklist", "giveaway", "invoice"] as const;

function other(message: Message): Content | undefined {
  const kind = others.find((name) => message[name] !== undefined);
  if (kind === undefined) return undefined;
  const { poll, dice } = message;
  const detail: Record<string, string | number> = poll
    ? { question: poll.question }
    : dice
      ? { emoji: dice.emoji, value: dice.value }
      : {};
  return { type: "unknown", raw: { kind, ...detail } };
}
