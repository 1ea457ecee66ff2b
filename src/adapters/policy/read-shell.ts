import { createRequire } from "node:module";
import type * as Unbash from "unbash";
import type { Assignment, Command, Redirection, SyntaxNode, Word, WordPart } from "unbash";

import type { SeenCommand } from "../../domain/policy/seen-commands.ts";
import { HiddenExpansions } from "./hidden-expansions.ts";

// A decision does not wait, and a server that decides about no command line does not load a parser for it.
const load: (name: "unbash") => typeof Unbash = createRequire(import.meta.url);

/** A longer command line is not looked into. UTF-16 units. */
const lineUnitsMax = 64 * 1024;
/** Nor one of more expansions and here-documents: inside each other they cost the square of their number. */
const expansionsMax = 1_000;
const expansion = /\$[({[]|[<>]\(|`|<</g;

/** Every simple command of a command line, those in substitutions, compound commands and functions too; `null`: it can not be read. */
export function readShell(line: string): SeenCommand[] | null {
  if (line.length > lineUnitsMax || line.includes("\0")) return null;
  if ((line.match(expansion)?.length ?? 0) > expansionsMax) return null;
  const { parse, forEachChild } = load("unbash");
  const found: SeenCommand[] = [];
  let isWhole = true;
  const hidden = new HiddenExpansions();
  const visit = (node: SyntaxNode): void => {
    hidden.look(node);
    if (node.type === "Script" && "errors" in node && node.errors !== undefined) isWhole = false;
    // An inner text that was not looked into.
    if ("script" in node && node.script === undefined) isWhole = false;
    if (node.type === "Command") found.push(seen(node));
    forEachChild(node, visit);
  };
  try {
    visit(parse(line));
  } catch (error) {
    // Deeper than the stack, or a fault of the parser: either way nobody knows what the line would run.
    if (error instanceof Error) return null;
    throw error;
  }
  if (hidden.areThere) found.push({ words: [null], open: true, fed: [] });
  return isWhole ? found : null;
}

function seen({ name, args, redirects }: Command): SeenCommand {
  const words = [...(name === undefined ? [] : [name]), ...args].map((word) =>
    word.type === "Word" ? textOf(word) : assigned(word),
  );
  return { words, open: false, fed: redirects.flatMap(fedBy) };
}

/** `alias ls='rm x'` as alias gets it. */
function assigned({ name, value, text }: Assignment): string | null {
  if (value.type !== "Word") return text;
  const given = textOf(value);
  return given === null ? null : `${name}=${given}`;
}

/** Here-documents and here-strings: a shell takes them for commands. */
function fedBy(redirection: Redirection): string[] {
  if (redirection.type === "HereDoc") return [redirection.body.text];
  if (redirection.type === "HereString" && redirection.target !== undefined) return [redirection.target.value];
  return [];
}

/** A word as the program gets it; `null` where only the shell will know. */
function textOf(word: Word): string | null {
  return word.parts === undefined || word.parts.every(isKnown) ? word.value : null;
}

function isKnown(part: WordPart): boolean {
  if (part.type === "DoubleQuoted" || part.type === "LocaleString") return part.parts.every(isKnown);
  return part.type === "Literal" || part.type === "SingleQuoted" || part.type === "AnsiCQuoted";
}
