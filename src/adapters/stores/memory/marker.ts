import { createHash } from "node:crypto";

// An HTML comment: it shows in no rendered page, and stands in the same write as what it belongs to.
const markers = /[ \t]?<!-- duragent((?: [0-9a-f]{12})*) -->/g;

/** What stands for an idempotency key in a file: 12 hex digits, of one agent's key. */
export function keyMark(agent: string, idempotencyKey: string): string {
  return createHash("sha256").update(`${agent}\0${idempotencyKey}`).digest("hex").slice(0, 12);
}

/** The comment that says which writes a text came from. */
export function marker(marks: readonly string[]): string {
  return `<!-- duragent${marks.map((mark) => ` ${mark}`).join("")} -->`;
}

/** Takes the last marker out of a line: the store's own stands behind whatever was written before it. */
export function takeMarker(line: string): { line: string; marks: string[] } | null {
  const last = [...line.matchAll(markers)].at(-1);
  if (!last) return null;
  const marks = (last[1] ?? "").split(" ").filter((mark) => mark !== "");
  return { line: line.slice(0, last.index) + line.slice(last.index + last[0].length), marks };
}
