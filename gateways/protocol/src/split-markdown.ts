import { cutText, wholeCharacters } from "./cut-text.ts";
import { readFenceWords } from "./fence-words.ts";
import { inlineStretches, type Stretch } from "./inline-marks.ts";

/** What one message holds: at most `max`, at least 200, of what `size` counts in its Markdown. */
export type MessageLimit = { readonly max: number; size(markdown: string): number };

/** A code block's first line: its mark and what stands behind it. Longer ones are text. */
const fence = /^(?<indent>[ \t>]*)(?<mark>`{3,45}|~{3,45})(?<behind>[^`\n]{0,60})$/;
/** How much of a text is looked at for one part, in `max`: a character takes at most two units, marks more. */
const windowOfMax = 3;

type Fence = { readonly again: string; readonly close: string; readonly mark: string };
/** What stands around a place: a part that ends there closes it, the next one opens it again. */
type Around = { readonly fence?: Fence; readonly marks: readonly string[] };
const nothing: Around = { marks: [] };

/**
 * Markdown as messages of a platform, in order: cut after a paragraph, a line, a word, else a character; code blocks and
 * inline marks are closed and opened again. No part is blank, over the limit or ends inside a surrogate pair. Of the text
 * only blanks at the cuts are lost; blank text gives no part.
 */
export function splitMarkdown(text: string, limit: MessageLimit): string[] {
  const parts: string[] = [];
  let rest = text
    .replaceAll(/\r\n?/g, "\n")
    .replace(/^(?:[ \t]*\n)+/, "")
    .trimEnd();
  let around: Around = nothing;
  while (rest.trim() !== "") {
    const { length, after } = nextPart(rest, around, limit);
    const body = rest.slice(0, length);
    if (body.trim() !== "") parts.push(whole(body, around, after));
    rest = behindCut(rest.slice(length), after);
    // Its last line is the one that closes it: this was done already.
    const closing = after.fence && closedBy(rest.split("\n", 1)[0] ?? "", after.fence);
    around = closing ? nothing : after;
    if (closing) rest = rest.slice((rest.split("\n", 1)[0] ?? "").length).replace(/^(?:[ \t]*\n)+/, "");
  }
  return parts;
}

/** The longest start of `rest` that looks well cut and, closed, fits. */
function nextPart(rest: string, before: Around, { max, size }: MessageLimit): { length: number; after: Around } {
  const shown = rest.slice(0, wholeCharacters(rest, Math.min(rest.length, max * windowOfMax)));
  const places = placesOf(shown, before);
  const fits = (length: number): boolean => size(whole(rest.slice(0, length), before, places.around(length))) <= max;
  if (shown.length === rest.length && fits(rest.length))
    return { length: rest.length, after: places.around(rest.length) };
  let most = longest(shown.length, fits);
  for (;;) {
    const wished = cutText(shown, most < shown.length ? most : shown.length - 1);
    const cut = wholeCharacters(shown, places.outsideMark(wished));
    if (most <= 2 || fits(cut)) return { length: cut, after: places.around(cut) };
    most = Math.min(cut, most) - 1;
  }
}

/** The most that fits; a size that does not grow with every character gives one that fits. */
function longest(length: number, fits: (length: number) => boolean): number {
  let [fitting, tooLong] = [1, length + 1];
  while (tooLong - fitting > 1) {
    const middle = Math.floor((fitting + tooLong) / 2);
    if (fits(middle)) fitting = middle;
    else tooLong = middle;
  }
  return fitting;
}

function whole(body: string, before: Around, after: Around): string {
  const start = (before.fence ? `${before.fence.again}\n` : "") + before.marks.join("");
  const end = after.marks.toReversed().join("") + (after.fence ? `\n${after.fence.close}` : "");
  const part = start + body.trimEnd() + end;
  // A cut within a line can make of its half what begins a block.
  const begun = fencesOf(part, undefined).fences.at(-1);
  return begun && begun.to > part.length ? `${part}\n${begun.fence.close}` : part;
}

function behindCut(rest: string, after: Around): string {
  return after.fence ? rest.replace(/^\n/, "") : rest.replace(/^(?:[ \t]*\n)+|^[ \t]+/, "");
}

/** What stands around each place of a text that itself begins inside of `before`. */
function placesOf(text: string, before: Around): { around(at: number): Around; outsideMark(at: number): number } {
  const { fences, outside } = fencesOf(text, before.fence);
  const opened = before.marks.join("");
  const stretches = outside.flatMap(({ from, to }) =>
    stretchesOf(text.slice(from, to), from, from === 0 ? opened : ""),
  );
  return {
    around(at) {
      const inside = fences.find(({ from, to }) => from < at && at < to)?.fence;
      if (inside) return { fence: inside, marks: [] };
      return {
        marks: stretches.filter(({ from, to, mark }) => from < at && at < to && mark !== "").map((s) => s.mark),
      };
    },
    outsideMark(at) {
      // A block of which only the first line would stand in this part begins in the next.
      const block = fences.find(({ from, first, to }) => from < at && at <= first && to > at);
      if (block && block.from > 0) return block.from;
      const cut = stretches.find(
        ({ from, to, mark }) =>
          from > 0 &&
          from < at &&
          at < to &&
          (mark === "" || at <= from + mark.length || at > to - mark.length || text[at] === mark[0]),
      );
      return cut ? cut.from : at;
    },
  };
}

/** Inline stretches of text that begins with `opened` before it: places are those of the text itself, from `offset`. */
function stretchesOf(text: string, offset: number, opened: string): Stretch[] {
  return [...paragraphsOf(opened + text)].flatMap(({ from, paragraph }) =>
    inlineStretches(paragraph).map((stretch) => ({
      ...stretch,
      from: stretch.from + from - opened.length + offset,
      to: stretch.to + from - opened.length + offset,
    })),
  );
}

function* paragraphsOf(text: string): Generator<{ from: number; paragraph: string }> {
  let from = 0;
  for (const paragraph of text.split(/(\n[ \t]*\n)/)) {
    yield { from, paragraph };
    from += paragraph.length;
  }
}

type Block = { readonly fence: Fence; readonly from: number; readonly first: number; readonly to: number };

/** Code blocks, each from before its first line to behind its last, and the text between them. */
function fencesOf(
  text: string,
  begun: Fence | undefined,
): { fences: Block[]; outside: { from: number; to: number }[] } {
  const fences: Block[] = [];
  const outside: { from: number; to: number }[] = [];
  let open = begun && { fence: begun, from: -1, first: -1 };
  let [at, outsideFrom] = [0, 0];
  for (const line of text.split("\n")) {
    const end = at + line.length;
    if (!open) {
      const started = fenceOf(line);
      if (started) {
        outside.push({ from: outsideFrom, to: at });
        open = { fence: started, from: at, first: end };
      }
    } else if (closedBy(line, open.fence)) {
      fences.push({ ...open, to: end });
      open = undefined;
      outsideFrom = end;
    }
    at = end + 1;
  }
  if (open) fences.push({ ...open, to: text.length + 1 });
  else outside.push({ from: outsideFrom, to: text.length });
  return { fences, outside };
}

function fenceOf(line: string): Fence | undefined {
  const { indent = "", mark, behind = "" } = fence.exec(line)?.groups ?? {};
  if (mark === undefined) return undefined;
  const close = indent + mark;
  // Of what stands there only the language is said again where the block goes on.
  return { again: close + (readFenceWords(behind.trim()).language ?? ""), close, mark };
}

function closedBy(line: string, { mark }: Fence): boolean {
  const bare = line.replace(/^[ \t>]*/, "").trimEnd();
  return bare.length >= mark.length && bare === mark.charAt(0).repeat(bare.length);
}
