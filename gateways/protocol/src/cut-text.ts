/** A cut nearer to the start than this part of what fits would leave a message that looks torn off. */
const leastParagraph = 0.5;
const leastLine = 0.25;
/** A cluster of marks and joiners that is longer is cut through. UTF-16 units. */
const clusterUnitsMax = 32;

/**
 * Where to end a part of at most `most` UTF-16 units of `text`: after a paragraph, else a line, else a word, else a whole
 * character. Between 1 and `most`, but never inside a surrogate pair, even where `most` is 1.
 */
export function cutText(text: string, most: number): number {
  if (text.length <= most) return text.length;
  const paragraph = text.lastIndexOf("\n\n", most);
  if (paragraph > 0 && paragraph >= most * leastParagraph) return paragraph;
  const line = text.lastIndexOf("\n", most);
  if (line > 0 && line >= most * leastLine) return line;
  const word = Math.max(text.lastIndexOf(" ", most), line);
  if (word > 0 && text.slice(0, word).trim() !== "") return word;
  return wholeCharacters(text, most);
}

/** The same or a smaller cut that leaves surrogate pairs, and where it can joined and marked characters, whole; at least 1. */
export function wholeCharacters(text: string, most: number): number {
  const pair = isInsidePair(text, most) ? most - 1 : most;
  for (let cut = pair; cut > 0 && pair - cut < clusterUnitsMax; cut -= 1) {
    if (!isInsidePair(text, cut) && !joins(text, cut)) return cut;
  }
  return pair > 0 ? pair : Math.min(2, text.length);
}

function joins(text: string, at: number): boolean {
  const next = String.fromCodePoint(text.codePointAt(at) ?? 0);
  return text[at - 1] === "\u200D" || next === "\u200D" || /^[\p{M}\p{Emoji_Modifier}]$/u.test(next);
}

function isInsidePair(text: string, at: number): boolean {
  return /[\uD800-\uDBFF]/.test(text[at - 1] ?? "") && /[\uDC00-\uDFFF]/.test(text[at] ?? "");
}
