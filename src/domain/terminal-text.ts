// C0 and DEL have pictures of their own (U+2400 …); C1 and the bidirectional controls are spelled out.
const first = 0x20;
const deleteCode = 0x7f;
// Besides C1 (0x80–0x9f): marks, embeddings, overrides and isolates that reorder what a terminal shows.
const reordering = new Set([
  0x061c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d, 0x202e, 0x2066, 0x2067, 0x2068, 0x2069,
]);
// eslint-disable-next-line no-control-regex
const suspicious = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

function picture(code: number): string {
  if (code < first) return String.fromCodePoint(0x2400 + code);
  if (code === deleteCode) return "\u2421";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

/**
 * Text from a model, a tool or a chat as a terminal may be given it: control characters become visible signs,
 * so that none of them moves the cursor, sets a title, hides or reorders what is read. Line feeds and tabs stay;
 * a carriage return before a line feed goes. Works piece by piece on a stream: no state is needed between pieces.
 */
export function terminalText(text: string): string {
  if (!suspicious.test(text)) return text;
  let shown = "";
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x0a || code === 0x09) shown += text[at];
    else if (code === 0x0d && text.charCodeAt(at + 1) === 0x0a) continue;
    else if (code < first || (code >= deleteCode && code <= 0x9f) || reordering.has(code)) shown += picture(code);
    else shown += text[at];
  }
  return shown;
}

/** As `terminalText`, on one line: for tables, titles and questions. Cut to `lengthMax` UTF-16 units with an ellipsis. */
export function terminalLine(text: string, lengthMax = Number.POSITIVE_INFINITY): string {
  const line = terminalText(text)
    .replaceAll(/\s*\n\s*/gu, " ")
    .replaceAll("\t", " ")
    .trim();
  if (line.length <= lengthMax) return line;
  const cut = line.slice(0, Math.max(0, lengthMax - 1));
  // Never half of a surrogate pair.
  return `${/[\ud800-\udbff]$/u.test(cut) ? cut.slice(0, -1) : cut}…`;
}
