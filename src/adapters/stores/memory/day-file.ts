import type { MemoryKind } from "../../../ports/memory-store.ts";
import { marker, takeMarker } from "./marker.ts";
import { trimmed } from "./memory-text.ts";

// Here a file is a string with one character a byte (latin1): whatever a human wrote, in whatever encoding, stays the
// bytes that it is, and all that gives a file its structure is ASCII.

export type DayKind = Exclude<MemoryKind, "memory" | "world">;

/** In the order in which a file shows them. */
const headings: readonly (readonly [DayKind, string])[] = [
  ["decision", "Decisions Made"],
  ["preference", "Preferences Learned"],
  ["fact", "Facts Stored"],
  ["note", "Notes"],
];

/** One piece of a day's file; `first` and `last` are its lines, counted from 0. */
export type DayEntry = {
  kind: DayKind;
  /** UTF-8, one character a byte. */
  content: string;
  agent: string | undefined;
  /** Written by a store, not by hand. */
  marks: readonly string[] | undefined;
  first: number;
  last: number;
};

type Open = { entry: DayEntry; lines: string[]; blanks: number; isBullet: boolean };
const byHand = { kind: "note", agent: undefined, marks: undefined } as const;

type Line = { text: string; is: "blank" | "heading" | "bullet" | "indented" | "text"; end: number };

/** Everything that a day's file says, from top to bottom. What stands in a section of its own making is one note. */
export function parseDay(file: string): DayEntry[] {
  const lines = linesOf(file);
  const entries: DayEntry[] = [];
  let kind: DayKind | null = "note";
  let open: Open | null = null;
  const close = (): void => {
    const content = open ? trimmed(open.lines.join("\n")) : "";
    if (open && content !== "") entries.push({ ...open.entry, content });
    open = null;
  };
  const begin = (index: number, text: string, facts: Pick<DayEntry, "kind" | "agent" | "marks"> = byHand): Open => {
    close();
    const entry = { ...facts, content: "", first: index, last: index };
    return { entry, lines: [text], blanks: 0, isBullet: facts !== byHand };
  };
  for (const [index, { text, is }] of lines.entries()) {
    const marked = is === "bullet" ? takeMarker(text) : null;
    if (is === "heading") {
      close();
      kind = kindOf(text);
      // A section that only a human knows is read with its heading, which may say what it is about.
      if (kind === null) open = begin(index, text);
    } else if (is === "bullet" && (kind !== null || marked)) {
      const { owner, rest } = ownerOf((marked?.line ?? text).slice(2));
      open = begin(index, rest, { kind: kind ?? "note", agent: owner, marks: marked?.marks });
    } else if (is === "blank") {
      if (open) open.blanks += 1;
    } else if (open && continues(open, is, kind)) {
      for (; open.blanks > 0; open.blanks -= 1) open.lines.push("");
      open.lines.push(open.isBullet ? text.replace(/^(?: {2}|\t)/, "") : text);
      open.entry.last = index;
    } else open = begin(index, text);
  }
  close();
  return entries;
}

function continues({ entry, blanks }: Open, is: Line["is"], kind: DayKind | null): boolean {
  if (is === "indented") return true;
  const isOneNote = kind === null && entry.marks === undefined;
  return isOneNote || (blanks === 0 && is === "text");
}

/** The file with one more entry, at the end of its section; nothing else of it changes. */
export function withEntry(
  file: string,
  day: string,
  entry: { kind: DayKind; agent: string; content: string; marks: readonly string[] },
): string {
  const [first = "", ...more] = entry.content.split("\n");
  const indented = more.map((line) => (line === "" ? "" : `  ${line}`));
  const bullet = [`- (${entry.agent}) ${first} ${marker(entry.marks)}`, ...indented].join("\n");
  const whole = file === "" ? `# ${day}\n` : file.endsWith("\n") ? file : `${file}\n`;
  const lines = linesOf(whole);
  const heading = lines.findIndex((line) => sectionOf(line) === entry.kind);
  if (heading === -1) return withSection(whole, lines, entry.kind, bullet);
  const next = lines.findIndex((line, index) => index > heading && line.is === "heading");
  const section = lines.slice(heading, next === -1 ? lines.length : next);
  const last = section.findLast((line) => line.is !== "blank");
  const at = last?.end ?? whole.length;
  const gap = last?.is === "bullet" || last?.is === "indented" ? "" : "\n";
  return `${whole.slice(0, at)}${gap}${bullet}\n${whole.slice(at)}`;
}

function withSection(file: string, lines: readonly Line[], kind: DayKind, bullet: string): string {
  const order = headings.findIndex(([one]) => one === kind);
  const heading = `## ${headings[order]?.[1] ?? "Notes"}\n\n${bullet}\n`;
  const laterKinds = headings.slice(order + 1).map(([one]) => one);
  const later = lines.findIndex((line) => laterKinds.some((one) => one === sectionOf(line)));
  const at = later === -1 ? file.length : (lines[later - 1]?.end ?? 0);
  const before = file.slice(0, at);
  const gap = before === "" || /(?:^|\n)[ \t\r]*\n$/.test(before) ? "" : "\n";
  return `${before}${gap}${heading}${at < file.length ? "\n" : ""}${file.slice(at)}`;
}

/** The kind whose section a line begins. */
const sectionOf = ({ is, text }: Line): DayKind | null =>
  is === "heading" && text.startsWith("##") ? kindOf(text) : null;

/** What entries below a heading are; `null` below one that is not the store's. */
function kindOf(heading: string): DayKind | null {
  if (/^# +\d{4}-\d{2}-\d{2}[ \t]*$/.test(heading)) return "note";
  if (!/^##[ \t]/.test(heading)) return null;
  return headings.find(([, title]) => title === trimmed(heading.slice(2)))?.[0] ?? null;
}

function ownerOf(bullet: string): { owner: string | undefined; rest: string } {
  const [all, owner] = /^\(([A-Za-z0-9][A-Za-z0-9_-]{0,62})\) /.exec(bullet) ?? [""];
  return { owner, rest: bullet.slice(all.length) };
}

/** Lines without their ends, and where each ends. What stands between two fences is text, whatever it looks like. */
function linesOf(file: string): Line[] {
  const texts = (file.endsWith("\n") ? file.slice(0, -1) : file).split("\n");
  if (file === "") return [];
  const lastFence = new Map(
    ["```", "~~~"].map((fence) => [fence, texts.findLastIndex((text) => trimmed(text) === fence)]),
  );
  let fence: string | null = null;
  let end = 0;
  return texts.map((raw, index) => {
    end = Math.min(file.length, end + raw.length + 1);
    // Some editors put a mark of the encoding in front of a file.
    const text = (index === 0 ? raw.replace(/^\xEF\xBB\xBF/, "") : raw).replace(/\r$/, "");
    if (fence !== null) {
      if (trimmed(text) === fence) fence = null;
      return { text, is: lineKind(text) === "blank" ? "blank" : "text", end };
    }
    const opened = /^(```|~~~)/.exec(text)?.[1];
    if (opened !== undefined && (lastFence.get(opened) ?? -1) > index) fence = opened;
    return { text, is: lineKind(text), end };
  });
}

function lineKind(text: string): Line["is"] {
  if (/^[ \t]*$/.test(text)) return "blank";
  if (/^#{1,6}[ \t]/.test(text)) return "heading";
  if (/^[-*+][ \t]/.test(text)) return "bullet";
  return /^(?: {2}|\t)/.test(text) ? "indented" : "text";
}
