import type { FileHandle } from "../../../../ports/file-system.ts";
import { DuragentError } from "../../../../schema/problem.ts";
import type { SessionEvent } from "../../../../schema/session-event.ts";
import { readStoredEvent, type StoredEvent } from "../../../../schema/session-event-read.ts";
import { Upcaster } from "../../../../schema/upcast.ts";
import { checkLine } from "./line.ts";
import { locateSeq, readLines, readLinesBackwards, type Line } from "./read-lines.ts";

export type ReadableLog = {
  path: string;
  sessionId: string;
  seed: number;
  file: Pick<FileHandle, "read">;
  /** The offset after the last durable event. */
  end: number;
};

export type ReadRange = { after: number; limit: number; low: number; high: number };

/** Durable events after a `seq`, oldest first. `low` and `high` are offsets between which the first one begins. */
export async function* readForward(log: ReadableLog, range: ReadRange): AsyncGenerator<SessionEvent> {
  const from = await locateSeq(log.file, range.after + 1, { low: range.low, high: range.high });
  const upcaster = new Upcaster(log.sessionId, false);
  let left = range.limit;
  for await (const lines of readLines(log.file, from, log.end)) {
    for (const line of lines) {
      const { record, sealed } = parse(log, line);
      if (!record || record.seq <= range.after) continue;
      for (const event of upcaster.push(record, sealed)) {
        yield event;
        left -= 1;
        if (left <= 0) return;
      }
    }
  }
}

/** Durable events after a `seq`, newest first. */
export async function* readBackwards(
  log: ReadableLog,
  range: { after: number; limit: number },
): AsyncGenerator<SessionEvent> {
  const upcaster = new Upcaster(log.sessionId, false);
  let left = range.limit;
  for await (const lines of readLinesBackwards(log.file, 0, log.end)) {
    for (const line of lines) {
      const { record, sealed } = parse(log, line);
      if (!record) continue;
      if (record.seq <= range.after) return;
      for (const event of upcaster.push(record, sealed)) {
        yield event;
        left -= 1;
        if (left <= 0) return;
      }
    }
  }
}

/**
 * All events of a log that Duragent 0.5 began. Its records are joined and told again, which needs the whole log;
 * such logs are small, because 0.5 compacted them.
 */
export async function readLegacy(
  log: ReadableLog,
  tell: (firstSeq: number) => Promise<StoredEvent[]>,
): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  const upcaster = new Upcaster(log.sessionId, true);
  let isFirst = true;
  const begin = async (firstSeq: number) => {
    isFirst = false;
    for (const record of await tell(firstSeq)) events.push(...upcaster.push(record, false));
  };
  for await (const lines of readLines(log.file, 0, log.end)) {
    for (const line of lines) {
      const { record, sealed } = parse(log, line);
      if (isFirst) await begin(record?.seq ?? 1);
      if (record) events.push(...upcaster.push(record, sealed));
    }
  }
  if (isFirst) await begin(Number.MAX_SAFE_INTEGER);
  events.push(...upcaster.finish());
  return events;
}

function parse(log: ReadableLog, line: Line): { record: StoredEvent | null; sealed: boolean } {
  const checked = checkLine(line.bytes, log.seed);
  const read = checked.kind === "readable" ? readStoredEvent(checked.value) : null;
  if (checked.kind === "readable" && read?.kind === "event") {
    return { record: read.known ? read.value : null, sealed: checked.crc !== null };
  }
  const reason = checked.kind === "bad" ? checked.reason : read?.kind === "unfit" ? read.reason : "it can not be read";
  throw new DuragentError(
    "session-corrupt",
    `${log.path} at byte ${line.offset}: ${reason}; \`duragent session verify ${log.sessionId}\` names every bad line`,
  );
}
