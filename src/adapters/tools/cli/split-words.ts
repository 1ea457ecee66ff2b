/**
 * The words of a line with quotes and backslashes taken away, as a shell would have them; nothing is expanded and nothing
 * but blanks ends a word. `null`: a quote is not closed.
 */
export function splitWords(line: string): string[] | null {
  const words: string[] = [];
  // '…' or "…" with its escapes or \x or plain text; neighbours make one word.
  const part = /'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])|([^\s'"\\]+)|(\s+)|([^])/g;
  let word: string | null = null;
  for (const [, single, double, escaped, plain, blank, broken] of line.matchAll(part)) {
    if (broken !== undefined) return null;
    if (blank !== undefined) {
      if (word !== null) words.push(word);
      word = null;
    } else word = (word ?? "") + (single ?? double?.replaceAll(/\\(["\\$`])/g, "$1") ?? escaped ?? plain ?? "");
  }
  if (word !== null) words.push(word);
  return words;
}
