import { readFenceWords, splitMarkdown } from "@duragent/gateway-protocol";
import { Marked, type Token, type Tokens } from "marked";

import { codeWithin, inlineRuns, isKnown, spoiler } from "./inline.ts";
import { textOf, type Mark, type Run } from "./rich-text.ts";

const marked = new Marked({ gfm: true, extensions: [spoiler] });
/** Longer text is read in pieces: the time that some nestings of marks take grows with the square. UTF-16 units. */
const pieceUnitsMax = 16_000;
const rule = "──────────";
const indentOfLevel = "   ";

/** Markdown as what Telegram can show: its text, and how each stretch is formatted. Nothing of the text is lost. */
export function format(markdown: string): Run[] {
  const pieces = splitMarkdown(markdown.toWellFormed(), { max: pieceUnitsMax, size: (text) => text.length });
  return joined(pieces.map(formatPiece), "\n\n", []);
}

function formatPiece(markdown: string): Run[] {
  try {
    return blocks(marked.lexer(markdown), "\n\n", []);
  } catch (error) {
    // Nested deeper than the stack reaches, there or here.
    if (error instanceof RangeError) return [{ text: markdown, marks: [] }];
    throw error;
  }
}

function blocks(tokens: readonly Token[], between: string, around: readonly Mark[]): Run[] {
  const shown = tokens.filter(({ type }) => type !== "space");
  return joined(
    shown.map((token) => block(token, around)),
    between,
    around,
  );
}

function block(token: Token, around: readonly Mark[]): Run[] {
  if (!isKnown(token)) return inlineRuns([token], around);
  switch (token.type) {
    case "heading":
      return inlineRuns(token.tokens, [...around, { tag: "b" }]);
    case "paragraph":
      return inlineRuns(token.tokens, around);
    case "code":
      return code(token, around);
    case "blockquote":
      return quotation(token, around);
    case "list":
      return list(token, around);
    case "table":
      return [{ text: alignedTable(token), marks: codeWithin({ tag: "pre" }, around) }];
    case "hr":
      return [{ text: rule, marks: around }];
    case "html":
    case "def":
      return [{ text: token.raw.trimEnd(), marks: around }];
    default:
      return inlineRuns([token], around);
  }
}

/** What else than a language follows the fence is said before the code: nobody copies it with that. */
function code({ text, lang = "" }: Tokens.Code, around: readonly Mark[]): Run[] {
  const { language, said } = readFenceWords(lang);
  const shown = { text, marks: codeWithin({ tag: "pre", ...(language !== undefined && { language }) }, around) };
  if (said === undefined) return [shown];
  return text === "" ? [{ text: said, marks: around }] : [{ text: `${said}\n`, marks: around }, shown];
}

// Telegram has no quotation inside of a quotation.
function quotation({ tokens }: Tokens.Blockquote, around: readonly Mark[]): Run[] {
  const isQuoted = around.some(({ tag }) => tag === "blockquote");
  return blocks(tokens, "\n\n", isQuoted ? around : [...around, { tag: "blockquote" }]);
}

function list({ items, ordered, start, loose }: Tokens.List, around: readonly Mark[]): Run[] {
  const first = start === "" ? 1 : start;
  const lines = items.map(({ task, tokens }, index): Run[] => {
    const [head, ...rest] = tokens;
    // Of a loose list the box stands in the first paragraph.
    const box = head?.type === "checkbox" ? inlineRuns([head], around) : [];
    const sign = ordered ? `${first + index}. ` : task ? "" : "• ";
    const body = blocks(box.length > 0 ? rest : tokens, "\n", around);
    return indented([{ text: sign, marks: around }, ...box, ...body], around);
  });
  return joined(lines, loose && items.length < 2 ? "\n\n" : "\n", around);
}

/** All but the first line; code stays where it is, for whoever copies it. */
function indented(runs: readonly Run[], around: readonly Mark[]): Run[] {
  return runs.map((run, index) => {
    const isCode = run.marks.some(({ tag }) => tag === "pre");
    if (isCode || (index === 0 && !run.text.includes("\n"))) return run;
    const isBeforeCode = runs[index + 1]?.marks.some(({ tag }) => tag === "pre") && run.marks === around;
    const text = run.text.replaceAll(/\n(?=(.?))/g, (_, next: string) =>
      (next === "" && isBeforeCode) || next === "\n" ? "\n" : `\n${indentOfLevel}`,
    );
    return { text, marks: run.marks };
  });
}

function alignedTable({ header, rows, align }: Tokens.Table): string {
  const texts = [header, ...rows].map((cells) =>
    cells.map(({ tokens }) => textOf(inlineRuns(tokens, [])).replaceAll(/\s+/g, " ").trim()),
  );
  const widths = header.map((_, column) => Math.max(...texts.map((cells) => width(cells[column] ?? ""))));
  const lines = texts.map((cells) =>
    cells
      .map((text, column) => padded(text, (widths[column] ?? 0) - width(text), align[column] ?? null))
      .join(" │ ")
      .trimEnd(),
  );
  const [first = "", ...others] = lines;
  return [first, widths.map((columns) => "─".repeat(columns)).join("─┼─"), ...others].join("\n");
}

function padded(text: string, missing: number, align: "center" | "left" | "right" | null): string {
  const before = align === "right" ? missing : align === "center" ? Math.floor(missing / 2) : 0;
  return " ".repeat(before) + text + " ".repeat(missing - before);
}

function width(text: string): number {
  return Array.from(text).length;
}

function joined(parts: readonly (readonly Run[])[], between: string, marks: readonly Mark[]): Run[] {
  const shown = parts.filter((runs) => textOf(runs) !== "");
  return shown.flatMap((runs, index) => (index === 0 ? runs : [{ text: between, marks }, ...runs]));
}
