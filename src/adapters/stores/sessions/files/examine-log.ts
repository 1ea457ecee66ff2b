import type { FileHandle } from "../../../../ports/file-system.ts";
import { readStoredEvent, type StoredEvent } from "../../../../schema/session-event-read.ts";
import { checkLine } from "./line.ts";
import { readLines, type Line } from "./read-lines.ts";

/** A good line: where it lies, and the record in it (`null`: of an unknown type that may be ignored). */
export type GoodLine = { offset: number; end: number; seq: number; crc: string | null; record: StoredEvent | null };

/** Where reading begins, and what is known about what lies before. */
export type StartOfReading =
  | { kind: "beginning" }
  /** At a line's start in a log whose lines all have a `crc` from there on. */
  | { kind: "middle"; offset: number; seq: number };

export type Fault = { offset: number; line: number; reason: string };

export type Examined = {
  lines: GoodLine[];
  /** The offset after the last good line. */
  goodEnd: number;
  /** Where the last write begins: it may be in the page cache only. */
  lastWriteOffset: number;
  /** The log began in Duragent 0.5, so its first events count as answered. */
  legacy: boolean;
  fault:
    | { kind: "none" }
    /** Never acknowledged: from `offset` on it can be cut. `wholeLines`: at least one newline is cut, too. */
    | ({ kind: "torn"; wholeLines: boolean } & Fault)
    | ({ kind: "corrupt" } & Fault)
    /** Written by a newer program. */
    | ({ kind: "newer" } & Fault);
};

/** Reads a log up to `end` and tells its good lines from what a crash, a human or a failing disk made of it. Changes nothing. */
export async function examineLog(
  file: Pick<FileHandle, "read">,
  options: { seed: number; start: StartOfReading; end: number },
): Promise<Examined> {
  const examination = new Examination(options.seed, options.start);
  const from = options.start.kind === "middle" ? options.start.offset : 0;
  reading: for await (const lines of readLines(file, from, options.end)) {
    for (const line of lines) if (examination.take(line) === "enough") break reading;
  }
  return examination.result();
}

class Examination {
  readonly #seed: number;
  readonly #lines: GoodLine[] = [];
  #lineNumber: number;
  #goodEnd: number;
  #lastSeq: number;
  #lastWriteOffset: number | null = null;
  /** A line with a `crc` has been seen, so a line without one has been tampered with. */
  #sealDue: boolean;
  #legacy = false;
  #fault: Examined["fault"] = { kind: "none" };

  constructor(seed: number, start: StartOfReading) {
    this.#seed = seed;
    const middle = start.kind === "middle" ? start : null;
    this.#lineNumber = 0;
    this.#goodEnd = middle?.offset ?? 0;
    this.#lastSeq = (middle?.seq ?? 1) - 1;
    this.#sealDue = middle !== null;
  }

  take(line: Line): "more" | "enough" {
    this.#lineNumber += 1;
    const checked = line.whole
      ? checkLine(line.bytes, this.#seed)
      : ({ kind: "bad", reason: "it has no end" } as const);
    if (this.#fault.kind === "torn") return this.#afterTorn(line, checked);
    if (checked.kind === "bad" && this.#hidesLaterWrite(line)) return this.#stop("corrupt", line, checked.reason);
    if (checked.kind === "bad") return this.#torn(line, checked.reason);
    if (checked.crc === null && this.#sealDue) return this.#torn(line, "its crc is missing");
    const read = readStoredEvent(checked.value);
    if (read.kind === "unfit") return this.#stop("corrupt", line, read.reason);
    return this.#accept(line, read, checked);
  }

  result(): Examined {
    return {
      lines: this.#lines,
      goodEnd: this.#goodEnd,
      lastWriteOffset: this.#lastWriteOffset ?? this.#lines.at(-1)?.offset ?? this.#goodEnd,
      legacy: this.#legacy,
      fault: this.#fault,
    };
  }

  #accept(
    line: Line,
    read: Extract<ReturnType<typeof readStoredEvent>, { kind: "event" }>,
    checked: { crc: string | null; mark: boolean },
  ): "more" | "enough" {
    const { value } = read;
    const sealed = checked.crc !== null;
    if (this.#lines.length === 0 && this.#goodEnd === 0) {
      const fault = this.#first(value, sealed);
      if (fault) return this.#stop(fault.kind, line, fault.reason);
    } else if (value.seq !== this.#lastSeq + 1 && (sealed || value.seq <= this.#lastSeq)) {
      // Duragent 0.5 left gaps in its own part of a log; nothing ever repeats a number.
      const what = value.seq <= this.#lastSeq ? "repeats a number" : "leaves a gap";
      return this.#stop("corrupt", line, `seq ${value.seq} after ${this.#lastSeq} ${what}`);
    }
    if (!read.known && !read.ignorable) {
      return this.#stop("newer", line, `the event type ${value.type} is not known to this version`);
    }
    if (sealed) this.#sealDue = true;
    this.#lines.push({
      offset: line.offset,
      end: line.end,
      seq: value.seq,
      crc: checked.crc,
      record: read.known ? value : null,
    });
    this.#lastSeq = value.seq;
    this.#goodEnd = line.end;
    if (checked.mark) this.#lastWriteOffset = line.offset;
    return "more";
  }

  #first(value: StoredEvent, sealed: boolean): { kind: "corrupt" | "newer"; reason: string } | null {
    const starts = value.type === "session_start";
    if (starts && typeof value.format === "number" && value.format > 1) {
      return { kind: "newer", reason: `the log has format ${value.format}; this version knows format 1` };
    }
    const ofOurs = sealed || value.format !== undefined;
    if (ofOurs && !(starts && value.seq === 1))
      return { kind: "corrupt", reason: "the log does not begin with its session_start" };
    if (ofOurs && !sealed) return { kind: "corrupt", reason: "its crc is missing" };
    this.#legacy = value.format === undefined;
    return null;
  }

  // A power cut can lose the front of a write and keep its end. Only a later write, or a line that a write of ours can not
  // hold, shows that more than the last write is gone. Old blocks that come back repeat numbers and show nothing.
  #afterTorn(line: Line, checked: ReturnType<typeof checkLine>): "more" | "enough" {
    if (this.#fault.kind !== "torn") return "more";
    if (line.whole) this.#fault.wholeLines = true;
    if (checked.kind === "bad") return "more";
    const read = readStoredEvent(checked.value);
    const isLater = read.kind === "event" && read.value.seq > this.#lastSeq;
    if (!isLater || (checked.crc !== null && !checked.mark)) return "more";
    this.#fault = { kind: "corrupt", offset: this.#fault.offset, line: this.#fault.line, reason: this.#fault.reason };
    return "enough";
  }

  // Where the newline between two lines was damaged, the second of them still shows that the first had been synced.
  #hidesLaterWrite(line: Line): boolean {
    for (const { index } of Buffer.from(line.bytes)
      .toString("latin1")
      .matchAll(/"\}[^]\{"seq":/g)) {
      const checked = checkLine(line.bytes.subarray(index + 3), this.#seed);
      if (checked.kind !== "readable" || checked.crc === null || !checked.mark) continue;
      const read = readStoredEvent(checked.value);
      if (read.kind === "event" && read.value.seq > this.#lastSeq) return true;
    }
    return false;
  }

  #torn(line: Line, reason: string): "more" {
    this.#fault = { kind: "torn", offset: line.offset, line: this.#lineNumber, reason, wholeLines: line.whole };
    return "more";
  }

  #stop(kind: "corrupt" | "newer", line: Line, reason: string): "enough" {
    this.#fault = { kind, offset: line.offset, line: this.#lineNumber, reason };
    return "enough";
  }
}
