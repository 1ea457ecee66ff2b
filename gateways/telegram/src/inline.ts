import type { MarkedToken, Token, Tokens, TokenizerExtension } from "marked";

import type { Mark, Run } from "./rich-text.ts";

/** `||hidden||`, which Markdown does not know and Telegram does. */
export const spoiler: TokenizerExtension = {
  name: "spoiler",
  level: "inline",
  start: (source) => source.indexOf("||"),
  tokenizer(source) {
    const [raw, text] = /^\|\|(?=\S)([^|\n]{1,2000}?)\|\|/.exec(source) ?? [];
    if (raw === undefined || text === undefined) return undefined;
    return { type: "spoiler", raw, text, tokens: this.lexer.inlineTokens(text) };
  },
};

const styles: Readonly<Record<string, Exclude<Mark["tag"], "a" | "pre">>> = {
  strong: "b",
  em: "i",
  del: "s",
  spoiler: "tg-spoiler",
};
/** Other addresses could do more than open a page: they are shown as text. */
const safeAddress = /^https?:\/\/[^\s]+$/i;
const codePoints = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00A0" };

/** Inline tokens as runs inside of `around`. */
export function inlineRuns(tokens: readonly Token[], around: readonly Mark[]): Run[] {
  const runs: Run[] = [];
  let underlined: Mark | undefined;
  for (const token of tokens) {
    const tag = token.type === "html" ? token.raw.toLowerCase() : "";
    if (tag === "<u>" && !underlined && tokens.some(({ raw }) => raw.toLowerCase() === "</u>"))
      underlined = { tag: "u" };
    else if (tag === "</u>" && underlined) underlined = undefined;
    else runs.push(...inlineRun(token, underlined ? [...around, underlined] : around));
  }
  return runs;
}

function inlineRun(token: Token, around: readonly Mark[]): Run[] {
  const style = styles[token.type];
  if (style !== undefined) return inlineRuns(childrenOf(token), within({ tag: style }, around));
  if (!isKnown(token)) return [{ text: token.raw, marks: around }];
  switch (token.type) {
    case "codespan":
      return [{ text: token.text, marks: codeWithin({ tag: "code" }, around) }];
    case "link":
      return linkRuns(token, around);
    case "image":
      return link(token.href, [{ text: token.text || token.href, marks: [] }], around);
    case "br":
      return [{ text: "\n", marks: around }];
    case "checkbox":
      return [{ text: token.checked ? "☑ " : "☐ ", marks: around }];
    case "escape":
      return [{ text: token.text, marks: around }];
    case "html":
      return [{ text: /^<br\s*\/?>$/i.test(token.raw) ? "\n" : token.raw, marks: around }];
    case "text":
      return token.tokens ? inlineRuns(token.tokens, around) : [{ text: decoded(token.text), marks: around }];
    default:
      return [{ text: token.raw, marks: around }];
  }
}

/** Only extensions make other tokens than these. */
export function isKnown(token: Token): token is MarkedToken {
  return token.type !== spoiler.name;
}

function childrenOf(token: Token): readonly Token[] {
  return "tokens" in token && Array.isArray(token.tokens) ? token.tokens : [];
}

function linkRuns(token: Tokens.Link, around: readonly Mark[]): Run[] {
  if (token.autolink) return link(token.href, [{ text: token.text, marks: [] }], around);
  return link(decoded(token.href), inlineRuns(token.tokens, []), around);
}

function link(href: string, shown: readonly Run[], around: readonly Mark[]): Run[] {
  const inside = shown.some(({ text }) => text.trim() !== "") ? shown : [{ text: href, marks: [] }];
  if (safeAddress.test(href) && !around.some(({ tag }) => tag === "a")) {
    const marks = within({ tag: "a", href }, around);
    // Telegram has no code inside of a link.
    return inside.map((run) => ({
      text: run.text,
      marks: [...marks, ...run.marks.filter(({ tag }) => tag !== "code")],
    }));
  }
  const runs = inside.map((run) => ({ text: run.text, marks: [...around, ...run.marks] }));
  const isShown = inside.map(({ text }) => text).join("") === href;
  return isShown || href === "" || /^mailto:/i.test(href) ? runs : [...runs, { text: ` (${href})`, marks: around }];
}

/** The same formatting twice would be two tags for one. */
function within(mark: Mark, around: readonly Mark[]): readonly Mark[] {
  return around.some(({ tag }) => tag === mark.tag) ? around : [...around, mark];
}

/** Code can be in a quotation and is in nothing else. */
export function codeWithin(mark: Mark, around: readonly Mark[]): readonly Mark[] {
  if (around.some(({ tag }) => tag === "a")) return around;
  return [...around.filter(({ tag }) => tag === "blockquote"), mark];
}

/** Entities that people and models do write; others stay as they are. */
function decoded(text: string): string {
  return text.replaceAll(
    /&(?:(amp|lt|gt|quot|apos|nbsp)|#(\d{1,7})|#x([\da-f]{1,6}));/gi,
    (whole, name, decimal, hex) => {
      if (name !== undefined) return codePoints[String(name).toLowerCase() as keyof typeof codePoints];
      const point = decimal === undefined ? Number.parseInt(String(hex), 16) : Number(decimal);
      const isCharacter = point > 0 && point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
      return isCharacter ? String.fromCodePoint(point) : whole;
    },
  );
}
