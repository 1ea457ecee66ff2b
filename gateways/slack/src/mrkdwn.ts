import { readFenceWords } from "@duragent/gateway-protocol";
import { marked, Renderer, Tokenizer, type Tokens } from "marked";

// Slack's own markup, because its escapes are documented: with & < and > as entities nothing that a model writes becomes a
// mention. Blocks of standard Markdown hold four times as much, but read <!channel> as well, and which of their places
// decode an entity (code, addresses) is written nowhere.
// https://docs.slack.dev/messaging/formatting-message-text

const zeroWidth = "\u200B";
/** Stand before and behind what is marked until its neighbours are known; taken out of what comes in. */
const [before, behind] = ["\0", "\u0001"];

/** The three characters that Slack gives a meaning to. */
export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Markdown as Slack's mrkdwn. Empty only if the text is blank. */
export function toMrkdwn(markdown: string): string {
  const source = markdown.replaceAll(/[\0\u0001]/g, "");
  const rendered = renderedOf(source)
    // Marks hold at the edge of a word; inside of one, or beside a mark of code, they need a blank without width.
    .replaceAll(/(?<=[\p{L}\p{N}`])\0|\u0001(?=[\p{L}\p{N}`])/gu, zeroWidth)
    .replaceAll(/[\0\u0001]/g, "")
    .trim();
  // What is Markdown without anything to see, as the definition of a link, is shown as it was written.
  return rendered === "" ? shownText(source.trim()) : rendered;
}

function renderedOf(source: string): string {
  try {
    return marked.parse(source, { async: false, gfm: true, tokenizer: new NoHtml(), renderer: new MrkdwnRenderer() });
  } catch (error) {
    // Quotes or lists thousands deep: the library's recursion ends before they do.
    if (error instanceof RangeError) return shownText(source);
    throw error;
  }
}

/** Tags are text like any other: `<!channel>` would begin a block of HTML, in which no Markdown is read. */
class NoHtml extends Tokenizer<string, string> {
  override html = (): undefined => undefined;
  override tag = (): undefined => undefined;
}

class MrkdwnRenderer extends Renderer<string, string> {
  /** Marks that are open: the same one inside would close it. */
  readonly #open = new Set<string>();

  override space = (): string => "";
  override def = (): string => "";
  override hr = (): string => "──────────\n\n";
  override br = (): string => "\n";
  override checkbox = ({ checked }: Tokens.Checkbox): string => (checked ? "☑ " : "☐ ");

  override code({ text, lang = "" }: Tokens.Code): string {
    const { said } = readFenceWords(lang);
    return `${said === undefined ? "" : `${shownText(said)}\n`}${codeBlock(text)}\n\n`;
  }

  override codespan({ text }: Tokens.Codespan): string {
    return text.includes("`") ? shownText(text) : `${before}\`${escapeText(text)}\`${behind}`;
  }

  override heading({ tokens }: Tokens.Heading): string {
    return `${this.#marked("*", tokens)}\n\n`;
  }

  override paragraph({ tokens }: Tokens.Paragraph): string {
    return `${this.parser.parseInline(tokens)}\n\n`;
  }

  override blockquote({ tokens }: Tokens.Blockquote): string {
    return `${eachLine(this.parser.parse(tokens).trim(), (line) => `> ${line}`.trimEnd())}\n\n`;
  }

  override list({ ordered, start, items }: Tokens.List): string {
    const first = Number(start === "" ? 1 : start);
    const lines = items.map((item, index) => {
      const mark = item.task ? "" : ordered ? `${first + index}. ` : "• ";
      return mark + this.parser.parse(item.tokens).trim().replaceAll("\n", "\n    ");
    });
    return `${lines.join("\n")}\n\n`;
  }

  override table(table: Tokens.Table): string {
    return `${codeBlock(alignedTable(table))}\n\n`;
  }

  override strong({ tokens }: Tokens.Strong): string {
    return this.#marked("*", tokens);
  }

  override em({ tokens }: Tokens.Em): string {
    return this.#marked("_", tokens);
  }

  override del({ tokens }: Tokens.Del): string {
    return this.#marked("~", tokens);
  }

  override link({ href, tokens }: Tokens.Link): string {
    return linkTo(href, decoded(this.parser.parseInline(tokens, this.parser.textRenderer)));
  }

  override image({ href, text }: Tokens.Image): string {
    return linkTo(href, decoded(text));
  }

  override text(token: Tokens.Text | Tokens.Escape): string {
    // A block of a tight list has tokens of its own.
    if ("tokens" in token && token.tokens) return `${this.parser.parseInline(token.tokens)}\n`;
    return shownText(token.type === "escape" ? token.text : decoded(token.text));
  }

  #marked(mark: string, tokens: Tokens.Strong["tokens"]): string {
    if (this.#open.has(mark)) return this.parser.parseInline(tokens);
    this.#open.add(mark);
    const text = this.parser.parseInline(tokens);
    this.#open.delete(mark);
    // Marks hold within a line.
    return eachLine(text, (line) => (line.trim() === "" ? line : `${before}${mark}${line}${mark}${behind}`));
  }
}

function codeBlock(text: string): string {
  return `\`\`\`\n${shownText(text)}\n\`\`\``;
}

/** Three backticks in a row begin or end a block wherever they stand. */
function shownText(text: string): string {
  return escapeText(text).replaceAll(/`(?=``)/g, `\`${zeroWidth}`);
}

/** Only to addresses that a browser or a mail program opens; `<!here>` and `<@U1>` have the same form. */
function linkTo(href: string, label: string): string {
  if (!/^(https?:\/\/|mailto:|tel:)./i.test(href))
    return shownText(label === href || href === "" ? label : `${label} (${href})`);
  const address = href.replaceAll(/[<>|`\s]/g, (character) => encodeURIComponent(character)).replaceAll("&", "&amp;");
  const shown = shownText(label.replaceAll("|", "¦").replaceAll("\n", " "));
  return ["", address, address.replace(/^(mailto|tel):/i, "")].includes(shown)
    ? `<${address}>`
    : `<${address}|${shown}>`;
}

function alignedTable({ header, rows }: Tokens.Table): string {
  const cells = [header, ...rows].map((row) => row.map(({ text }) => decoded(text)));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => lengthOf(row[column]))));
  const [first = "", ...others] = cells.map((row) =>
    row
      .map((cell, column) => cell + " ".repeat((widths[column] ?? 0) - lengthOf(cell)))
      .join(" | ")
      .trimEnd(),
  );
  return [first, widths.map((width) => "-".repeat(width)).join("-|-"), ...others].join("\n");
}

function lengthOf(text = ""): number {
  return Array.from(text).length;
}

/** Markdown's own entities, of which Slack would show the letters. */
function decoded(text: string): string {
  const characters: Readonly<Record<string, string>> = {
    amp: "&",
    lt: "<",
    gt: ">",
    quot: '"',
    "#39": "'",
    nbsp: "\u00A0",
  };
  return text.replaceAll(/&(amp|lt|gt|quot|#39|nbsp);/g, (entity, name: string) => characters[name] ?? entity);
}

function eachLine(text: string, change: (line: string) => string): string {
  return text.split("\n").map(change).join("\n");
}
