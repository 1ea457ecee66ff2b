import { cutText } from "@duragent/gateway-protocol";

import { format } from "./format.ts";
import { sliceRuns, textOf, toHtml, toPlainText, type Run } from "./rich-text.ts";

/** "1-4096 characters after entities parsing", for captions 1024 (core.telegram.org/bots/api), counted as UTF-16 units. */
export const messageUnitsMax = 4096;
export const captionUnitsMax = 1024;

/** One message: as HTML, and as what is sent should Telegram not take that. */
export type MessagePart = { readonly html: string; readonly plain: string };

/** Markdown as messages, in order; none is blank. Blank text gives none. */
export function messageParts(markdown: string, max = messageUnitsMax): MessagePart[] {
  const runs = format(markdown);
  const text = textOf(runs);
  const parts: MessagePart[] = [];
  let at = firstShown(text, 0);
  while (at < text.length) {
    const end = at + cutText(text.slice(at, at + max + 1), max);
    const cut = text.slice(at, end).trimEnd().length;
    if (cut > 0) parts.push(messagePart(sliceRuns(runs, at, at + cut), max));
    at = isCode(runs, end) ? end + (text[end] === "\n" ? 1 : 0) : firstShown(text, end);
  }
  return parts;
}

function messagePart(runs: readonly Run[], max: number): MessagePart {
  const plain = toPlainText(runs);
  return { html: toHtml(runs), plain: plain.length <= max ? plain : textOf(runs) };
}

/** Where the first line begins that is not blank; its indentation belongs to it. */
function firstShown(text: string, from: number): number {
  const rest = text.slice(from);
  if (rest.trim() === "") return text.length;
  return from + (/^(?:(?:[^\S\n]*\n)+| )/.exec(rest)?.[0].length ?? 0);
}

function isCode(runs: readonly Run[], at: number): boolean {
  return sliceRuns(runs, at, at + 1).some(({ marks }) => marks.some(({ tag }) => tag === "pre"));
}
