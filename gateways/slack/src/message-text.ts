import { splitMarkdown } from "@duragent/gateway-protocol";

import { escapeText, toMrkdwn } from "./mrkdwn.ts";

/** What a section block holds, in UTF-16 units of mrkdwn. https://docs.slack.dev/reference/block-kit/blocks/section-block */
export const sectionMax = 3_000;

/** Markdown as the mrkdwn of one message each: never empty, never over the limit, entities and characters whole. */
export function messageTexts(markdown: string): string[] {
  const parts = splitMarkdown(markdown, { max: sectionMax, size: (part) => toMrkdwn(part).length });
  return parts.flatMap((part) => {
    const text = toMrkdwn(part);
    if (text === "") return [];
    return text.length <= sectionMax ? [text] : escapedPieces(part);
  });
}

/** What cannot be cut as Markdown, cut as plain text. */
function escapedPieces(text: string): string[] {
  const pieces: string[] = [];
  let piece = "";
  for (const character of text) {
    const escaped = escapeText(character);
    if (piece.length + escaped.length > sectionMax) {
      pieces.push(piece);
      piece = "";
    }
    piece += escaped;
  }
  return [...pieces, piece].filter((each) => each.trim() !== "");
}
