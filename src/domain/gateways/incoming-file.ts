import type { IncomingMedia } from "@duragent/gateway-protocol";

const shownCharactersMax = 100;
// At most 160 bytes, or 120 where each is written as %25: room for the rest in the 240 of an artifact's file.
const stemCharactersMax = 40;
// What ends or reorders a line, shows nothing, or would end the bracket that a file is named in.
const unfit =
  /[[\]\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu;

const endings: Readonly<Record<string, string>> = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "image/gif": "gif",
  "image/webp": "webp",
  "audio/ogg": "ogg",
  "audio/mpeg": "mp3",
  "audio/mp4": "m4a",
  "video/mp4": "mp4",
  "video/webm": "webm",
  "application/pdf": "pdf",
  "text/plain": "txt",
};

type About = Pick<IncomingMedia, "media_type" | "mime_type" | "filename" | "size">;

/** What a file is called in a sentence: `photo`, `voice`, `document`; platforms have words of their own. */
export function fileKind({ media_type: type }: About): string {
  if (type === "image" || type === "photo") return "photo";
  return /^[a-z][a-z ]{0,19}$/.test(type) ? type : "file";
}

/**
 * The name of the artifact that a file becomes. `tag` tells it from others of the same name, and is the same whenever the
 * same message comes: what is stored twice then takes its own place.
 */
export function artifactNameFor(about: About, tag: string): string {
  const given = flat(about.filename ?? "").replaceAll(/[/\\:]/g, "_");
  const dot = given.lastIndexOf(".");
  const hasEnding = dot > 0 && /^\.[a-z0-9]{1,8}$/i.test(given.slice(dot));
  const stem = (hasEnding ? given.slice(0, dot) : given).replace(/^[.\s]+/, "");
  const shortStem = Array.from(stem).slice(0, stemCharactersMax).join("").trim();
  const mimeType = about.mime_type?.split(";", 1)[0]?.trim().toLowerCase() ?? "";
  const known = Object.hasOwn(endings, mimeType) ? `.${endings[mimeType]}` : "";
  const ending = hasEnding ? given.slice(dot) : known;
  return `${shortStem === "" ? fileKind(about).replaceAll(" ", "-") : shortStem}-${tag}${ending}`;
}

/** `[photo cat.jpg, 83 KB: artifact cat-1f0c.jpg]`. `outcome`: what stands after the colon. */
export function fileLine(about: About, outcome: string, bytes = about.size): string {
  const name = line(about.filename ?? "");
  const size = bytes === undefined ? "" : `, ${sizeText(bytes)}`;
  return `[${fileKind(about)}${name === "" ? "" : ` ${name}`}${size}: ${line(outcome)}]`;
}

/** In the unit that leaves a short number; 1 KB is 1,000 bytes. */
function sizeText(bytes: number): string {
  if (bytes < 1_000) return `${Math.round(bytes)} bytes`;
  if (bytes < 999_500) return `${Math.round(bytes / 1_000)} KB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}

/** What somebody else wrote, on one line that it can not leave, of at most 100 characters. */
export function line(text: string): string {
  const characters = Array.from(flat(text));
  if (characters.length <= shownCharactersMax) return characters.join("");
  return `${characters.slice(0, shownCharactersMax - 1).join("")}…`;
}

function flat(text: string): string {
  return text.toWellFormed().replaceAll(unfit, " ").replaceAll(/\s+/gu, " ").trim();
}
