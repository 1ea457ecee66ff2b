// What no terminal should be given: C0 but for tab and line feed, DEL, C1; marks, embeddings, overrides and isolates that
// reorder what is shown; separators that some take for a line's end; and what shows nothing at all and has no use in text
// (zero-width space, word joiners, tags). Joiners of emoji and of Indic and Persian words stay.
const obeyed =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/u;
const allObeyed = new RegExp(obeyed, "gu");

// In a command also everything else that shows as nothing or as a blank which is none: it would run as another word than
// it reads. What joins an emoji stays.
const mistaken =
  /(?!(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}])[\ufe0f\u200d]|(?<=\ufe0f)\u200d)[\p{Default_Ignorable_Code_Point}\p{Cf}\u2800]|(?! )\p{Z}/gu;

/** Blanks in a row, and empty lines in a row, that push nothing out of sight. */
const longBlanks = /[ \t]{41,}/g;
const manyEmptyLines = /\n(?:[ \t]*\n){4,}/g;

/** C0 and DEL have pictures of their own (U+2400 …); all else is spelled out. */
function picture(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

/**
 * Text from a model, a tool or a chat as a terminal may be given it: control characters become visible signs,
 * so that none of them moves the cursor, sets a title, hides or reorders what is read. Line feeds and tabs stay;
 * a carriage return before a line feed goes. Works piece by piece on a stream: no state is needed between pieces.
 */
export function terminalText(text: string): string {
  return obeyed.test(text) ? text.replaceAll("\r\n", "\n").replaceAll(allObeyed, picture) : text;
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

/**
 * A command that somebody is to allow, as a terminal may be given it: nothing in it reads as another character than it
 * is, and no blanks push a part of it out of sight; what is left out is named.
 */
export function terminalCommand(command: string): string {
  return command
    .replaceAll(allObeyed, picture)
    .replaceAll(mistaken, picture)
    .replaceAll(longBlanks, ({ length }) => `⟨${length} blanks⟩`)
    .replaceAll(manyEmptyLines, (lines) => `\n⟨${lines.split("\n").length - 2} empty lines⟩\n`);
}

/** A value as JSON, without a character that a terminal would obey. */
export const terminalJson = (value: unknown, indent?: number): string =>
  terminalJsonText(JSON.stringify(value, null, indent));

/** JSON that means the same, without a character that a terminal would obey: outside of strings it has but line feeds. */
export const terminalJsonText = (json: string): string =>
  obeyed.test(json) ? json.replaceAll(allObeyed, spelledOut) : json;

const spelledOut = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`,
  ).join("");
