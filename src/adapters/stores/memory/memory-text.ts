import { DuragentError } from "../../../schema/problem.ts";
import { storableText } from "../../../schema/api/parameter.ts";

/** Of one entry of a day. */
export const entryBytesMax = 16 * 1024;
/** Of MEMORY.md and of a topic of the world. */
export const keptBytesMax = 256 * 1024;
const topicBytesMax = 100;

/** Without ASCII space at both ends: also for text that has one character a byte, where other space may be half a letter. */
export function trimmed(text: string): string {
  return text.replace(/^[ \t\r\n\v\f]+/, "").replace(/(?<![ \t\r\n\v\f])[ \t\r\n\v\f]+$/, "");
}

/** What is kept of a text: no space at its ends, nor on lines that have nothing else. Throws `bad-request`. */
export function contentOf(given: string, bytesMax: number): string {
  const lines = storableText(given).replaceAll(/\r+\n/g, "\n").split("\n");
  const content = trimmed(lines.map((line) => (/^[ \t]*$/.test(line) ? "" : line)).join("\n"));
  if (content === "") throw new DuragentError("bad-request", "there is nothing to remember: content is empty");
  const bytes = Buffer.byteLength(content);
  if (bytes <= bytesMax) return content;
  throw new DuragentError("bad-request", `content has ${bytes} bytes; at most ${bytesMax} can be kept: shorten it`);
}

/** The name of a topic's file, without `.md`: letters and digits of any script, `-` and `_`. Throws `bad-request`. */
export function topicName(topic: string | undefined): string {
  const name = (topic ?? "")
    .toWellFormed()
    .normalize("NFC")
    .replaceAll(/[^\p{L}\p{M}\p{N}_-]/gu, "-")
    .replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());
  if (!/[\p{L}\p{N}]/u.test(name)) throw new DuragentError("bad-request", "topic needs a letter or a digit");
  if (Buffer.byteLength(name) > topicBytesMax)
    throw new DuragentError("bad-request", `topic is too long: at most ${topicBytesMax} bytes`);
  return name;
}

/** One character a byte, and back: see day-file.ts. */
export const bytesOf = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
export const textOf = (bytes: string): string => Buffer.from(bytes, "latin1").toString("utf8");
