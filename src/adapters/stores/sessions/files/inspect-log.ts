import type { FileHandle } from "../../../../ports/file-system.ts";
import { readStoredEvent, type StoredEvent } from "../../../../schema/session-event-read.ts";
import { checkLine } from "./line.ts";
import { readLines, type Line } from "./read-lines.ts";

/** One line of a log with all that can be said of it by itself and by what stands before it. */
export type InspectedLine = {
  line: number;
  /** With its newline, if it has one. */
  raw: Uint8Array;
  /** The record, if the line is what a writer wrote. */
  record: StoredEvent | null;
  /** The record of a line whose `crc` is missing or wrong and that is fine otherwise: an edit made by hand. */
  edited: StoredEvent | null;
  sealed: boolean;
  problem: string | null;
  /** Of a type that this version does not know and must not ignore. */
  newer: boolean;
};

export type Inspection = { lines: InspectedLine[]; legacy: boolean };

/** Looks at every line of a log, also behind the first bad one. Changes nothing. */
export async function inspectLog(
  file: Pick<FileHandle, "read">,
  options: { seed: number; end: number },
): Promise<Inspection> {
  const lines: InspectedLine[] = [];
  let sealDue = false;
  let legacy = false;
  let lastSeq = 0;
  // Each bad line stands for a number that is missing; those are no gaps of their own.
  let badLines = 0;
  for await (const chunk of readLines(file, 0, options.end)) {
    for (const line of chunk) {
      const inspected = inspectLine(line, { number: lines.length + 1, seed: options.seed, sealDue });
      const { record } = inspected;
      if (record) {
        if (lines.length === 0) legacy = !inspected.sealed && record.format === undefined;
        const first = lines.length === 0 ? firstProblem(record, legacy) : null;
        inspected.problem =
          first ?? seqProblem(record.seq, { lastSeq, badLines, mayLeaveGap: legacy && !inspected.sealed });
        lastSeq = Math.max(lastSeq, record.seq);
        badLines = 0;
        sealDue ||= inspected.sealed || record.format !== undefined;
      } else badLines += 1;
      lines.push(inspected);
    }
  }
  return { lines, legacy };
}

function inspectLine(line: Line, options: { number: number; seed: number; sealDue: boolean }): InspectedLine {
  const raw = line.whole ? Buffer.concat([line.bytes, Buffer.from("\n")]) : line.bytes;
  const checked = checkLine(line.bytes, options.seed);
  const base = { line: options.number, raw, record: null, edited: null, sealed: false, newer: false };
  if (!line.whole) return { ...base, problem: "it has no end: a write that a crash cut off, never acknowledged" };
  if (checked.kind === "bad") return { ...base, edited: recordIn(line.bytes), problem: checked.reason };
  const read = readStoredEvent(checked.value);
  if (read.kind === "unfit") return { ...base, problem: read.reason };
  const sealed = checked.crc !== null;
  if (!sealed && options.sealDue) return { ...base, edited: read.value, problem: "its crc is missing" };
  const newer = !read.known && !read.ignorable;
  const problem = newer ? `the event type ${read.value.type} is not known to this version` : null;
  return { ...base, record: newer ? null : read.value, sealed, newer, problem };
}

function recordIn(bytes: Uint8Array): StoredEvent | null {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const read = readStoredEvent(value);
  return read.kind === "event" && read.known ? read.value : null;
}

function firstProblem(record: StoredEvent, legacy: boolean): string | null {
  return legacy || record.type === "session_start" ? null : "the log does not begin with its session_start";
}

function seqProblem(seq: number, at: { lastSeq: number; badLines: number; mayLeaveGap: boolean }): string | null {
  if (seq <= at.lastSeq) return `seq ${seq} after ${at.lastSeq} repeats a number`;
  return seq <= at.lastSeq + 1 + at.badLines || at.mayLeaveGap ? null : `seq ${seq} after ${at.lastSeq} leaves a gap`;
}
