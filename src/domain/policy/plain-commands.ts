/** `fixed`: what the program gets, to the letter. Otherwise names of files may take its place. */
export type PlainWord = { readonly text: string; readonly fixed: boolean };
export type PlainCommand = readonly PlainWord[];

/** A longer command line is not looked into. UTF-16 units. */
export const plainLineMax = 16_384;

// Each is tried at one place; whatever none of them takes makes the line more than plain.
const leading = /[ \t\n]*/y;
const blank = /[ \t]+/y;
const operator = /(?:&&|\|\||[|;\n])[ \t\n]*/y;
/** Streams put together or thrown away: no file comes of it. */
const harmlessRedirection = /(?:[12]?>&[12]|[12]?>>?[ \t]*\/dev\/null|<[ \t]*\/dev\/null)(?=[ \t\n;|&]|$)/y;
/** Plain characters, `\x`, '…' and "…" without expansion; no `$`, backquote, brace, parenthesis, nor anything but ASCII outside of quotes. */
const word = /(?:[\w./:=@%+,^~#!*?[\]-]|\\[ -~]|'[^']*'|"(?:[^"\\$`]|\\[^\n])*")+(?=[ \t\n;|&]|$)/y;
const piece = /'([^']*)'|"((?:[^"\\]|\\[^\n])*)"|\\(.)|([^'"\\]+)/g;
/** A comment, and what bash replaces by a home folder. */
const expands = /^#|^~|[=:]~/;
/** What may stand as a command: no assignment, no pattern, no job, nothing that quotes had to hide. */
const commandName = /^[\w./][\w./+@-]*$/;
/**
 * Besides space, tab and line feed: controls, marks without width, and every other white space; and a backslash that some
 * character sets would take for the second half of what stands before it.
 */
const strange = /[^\P{C}\t\n]|[^\P{Z} ]|[^\x20-\x7e\t\n]\\/u;

/**
 * The simple commands of a command line that is nothing but plain words, quotes, `|`, `&&`, `||`, `;` and line feeds;
 * `null` for every other. Everything that an allow pattern lets run has gone through here, so it knows little on purpose.
 */
export function plainCommands(line: string): PlainCommand[] | null {
  if (line.length > plainLineMax || strange.test(line)) return null;
  const commands: PlainWord[][] = [[]];
  let at = 0;
  let lastOperator = "";
  const take = (token: RegExp): string | null => {
    token.lastIndex = at;
    const found = token.exec(line)?.[0] ?? null;
    at += found?.length ?? 0;
    return found;
  };
  take(leading);
  while (at < line.length) {
    const current = commands.at(-1) ?? [];
    if (take(blank) !== null || take(harmlessRedirection) !== null) continue;
    const separator = take(operator);
    if (separator !== null) {
      if (current.length === 0) return null;
      lastOperator = separator.trim();
      commands.push([]);
      continue;
    }
    const written = take(word);
    if (written === null || expands.test(written)) return null;
    current.push(unquoted(written));
  }
  if (commands.at(-1)?.length === 0 && commands.length > 1) {
    // The last `;` or line feed may stand alone; `ls &&` may not.
    if (lastOperator !== ";" && lastOperator !== "") return null;
    commands.pop();
  }
  const named = commands.every(([name]) => name !== undefined && name.fixed && commandName.test(name.text));
  return named ? commands : null;
}

function unquoted(written: string): PlainWord {
  let text = "";
  let fixed = true;
  for (const [, single, double, escaped, plain] of written.matchAll(piece)) {
    text += single ?? double?.replaceAll(/\\([$`"\\])/g, "$1") ?? escaped ?? plain ?? "";
    if (plain !== undefined && /[*?[]/.test(plain)) fixed = false;
  }
  return { text, fixed };
}
