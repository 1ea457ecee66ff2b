/** A stretch of one line of thought between two equal marks, or one that must stay whole (`mark` is empty). */
export type Stretch = { readonly from: number; readonly to: number; readonly mark: string };

/** A longer link is cut like text. UTF-16 units. */
const linkUnitsMax = 600;
const marks = /\\[\s\S]|`+|\*\*|__|~~|\|\||[*_]|!?\[[^\][\n]{0,300}\]\([^()\s]{1,300}\)|<[^<>\s]{1,100}>/g;

/** Where one paragraph of Markdown, outside of code blocks, is emphasised, struck, hidden, code or a link. In time linear in its length. */
export function inlineStretches(paragraph: string): Stretch[] {
  const found: Stretch[] = [];
  const open = new Map<string, number>();
  const closers = codeClosers(paragraph);
  marks.lastIndex = 0;
  for (let match = marks.exec(paragraph); match !== null; match = marks.exec(paragraph)) {
    const [mark] = match;
    const from = match.index;
    const to = from + mark.length;
    if (mark.startsWith("`")) {
      const closer = closers.next(mark.length, to);
      if (closer === undefined) continue;
      marks.lastIndex = closer + mark.length;
      // Three of them, put at the start of a part, would begin a code block.
      found.push({ from, to: closer + mark.length, mark: mark.length < 3 ? mark : "" });
    } else if (mark.endsWith(")") || mark.endsWith(">")) {
      if (to - from <= linkUnitsMax) found.push({ from, to, mark: "" });
    } else if (!mark.startsWith("\\")) {
      const opened = open.get(mark);
      if (opened !== undefined && canClose(paragraph, from)) {
        open.delete(mark);
        found.push({ from: opened, to, mark });
      } else if (canOpen(paragraph, from, to)) open.set(mark, from);
    }
  }
  return found.toSorted((a, b) => a.from - b.from || b.to - a.to);
}

/** Runs of backticks by their length: the next one of a length, looked for from left to right. */
function codeClosers(text: string): { next(length: number, from: number): number | undefined } {
  const runs = new Map<number, { places: number[]; passed: number }>();
  for (const { 0: run, index } of text.matchAll(/`+/g)) {
    const known = runs.get(run.length);
    if (known) known.places.push(index);
    else runs.set(run.length, { places: [index], passed: 0 });
  }
  return {
    next(length, from) {
      const known = runs.get(length);
      if (!known) return undefined;
      while ((known.places[known.passed] ?? from) < from) known.passed += 1;
      return known.places[known.passed];
    },
  };
}

// Marks open at the start of a word and close at the end of one; `snake_case` and `2 * 3` are text.
function canOpen(text: string, from: number, to: number): boolean {
  return /\S/.test(text[to] ?? " ") && !/[\p{L}\p{N}]/u.test(text[from - 1] ?? " ");
}

function canClose(text: string, from: number): boolean {
  return /\S/.test(text[from - 1] ?? " ");
}
