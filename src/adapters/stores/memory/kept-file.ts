import { marker, takeMarker } from "./marker.ts";
import { trimmed } from "./memory-text.ts";

/** A repeated write of a text is known by its key as long as no more than this many others came after it. */
const marksMax = 8;

/** What MEMORY.md or a topic of the world says, and which writes it came from. */
export function readKept(file: string): { content: string; marks: readonly string[] } {
  const lines = file.replace(/^\uFEFF/, "").split("\n");
  const at = lines.findLastIndex((line) => /^<!-- duragent[ 0-9a-f]*-->\s*$/.test(line));
  const marks = takeMarker(lines[at] ?? "")?.marks;
  if (!marks) return { content: trimmed(lines.join("\n")), marks: [] };
  return { content: trimmed(lines.toSpliced(at, 1).join("\n")), marks };
}

/** The file for a text that replaces `before`. */
export function writeKept(content: string, before: { marks: readonly string[] }, mark: string | undefined): string {
  const marks = [...before.marks, ...(mark === undefined ? [] : [mark])].slice(-marksMax);
  return `${content}\n\n${marker(marks)}\n`;
}
