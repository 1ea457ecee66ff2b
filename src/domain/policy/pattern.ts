import type { PolicyCall } from "../../ports/tool.ts";

export type PolicyPattern = {
  /** As it was written. */
  readonly written: string;
  readonly type: PolicyCall["type"] | "*";
  readonly text: string;
  readonly file: string;
  readonly line: number;
};

const typed = /^(bash|builtin|cli|mcp|\*):(.*)$/is;

/** `TYPE:TEXT`; without a known type before the first colon the whole is a text for every type. */
export function parsePattern(written: string, place: { file: string; line: number }): PolicyPattern {
  const match = typed.exec(written.trim());
  const [, type = "*", text = written.trim()] = match ?? [];
  return { written, type: typeOf(type.toLowerCase()), text: text.trim(), ...place };
}

const typeOf = (name: string): PolicyPattern["type"] =>
  name === "bash" || name === "builtin" || name === "cli" || name === "mcp" ? name : "*";

export const appliesTo = (pattern: PolicyPattern, type: PolicyCall["type"]): boolean =>
  pattern.type === "*" || pattern.type === type;

/** Whether a text is what a pattern says, from end to end: `*` stands for anything, also for nothing. Capitals count. */
export function matchesExactly(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop();
  if (last === undefined) return text === first;
  if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
  return inOrder(rest, text.slice(first.length, text.length - last.length));
}

/** As `matchesExactly`, in whatever case. */
export const matchesWhole = (pattern: string, text: string): boolean =>
  matchesExactly(pattern.toLowerCase(), text.toLowerCase());

/** Whether a text is what a pattern says of `name` or `name:action`: the name alone speaks of every action. */
export const namesBuiltin = ({ text }: PolicyPattern, named: string): boolean =>
  matchesWhole(text, named) || matchesWhole(text, named.split(":", 1).join(""));

/** Whether the pieces stand in a text one after the other. The earliest place of each leaves the most for the next. */
export function inOrder(pieces: readonly string[], text: string): boolean {
  let from = 0;
  for (const piece of pieces) {
    const at = text.indexOf(piece, from);
    if (at === -1) return false;
    from = at + piece.length;
  }
  return true;
}
