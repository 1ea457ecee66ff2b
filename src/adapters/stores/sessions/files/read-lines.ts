import type { FileHandle } from "../../../../ports/file-system.ts";

/** `bytes` without the newline; `end` is the offset after it. `whole`: a newline was there. */
export type Line = { offset: number; end: number; bytes: Uint8Array; whole: boolean };

const newline = 10;
const firstChunkBytes = 16 * 1024;
const chunkBytesMax = 1024 * 1024;

/**
 * The lines between two offsets of a file, in order, as many at a time as were read at once.
 * Splits on "\n" only: readline also splits on U+2028, which is legal inside a JSON string.
 */
export async function* readLines(file: Pick<FileHandle, "read">, start: number, end: number): AsyncGenerator<Line[]> {
  let carried: Uint8Array = new Uint8Array(0);
  let carriedAt = start;
  let at = start;
  let chunkBytes = firstChunkBytes;
  while (at < end) {
    const chunk = await file.read(at, Math.min(chunkBytes, end - at));
    if (chunk.length === 0) break;
    at += chunk.length;
    chunkBytes = Math.min(chunkBytes * 4, chunkBytesMax);
    const bytes = carried.length === 0 ? chunk : Buffer.concat([carried, chunk]);
    const lines: Line[] = [];
    let from = 0;
    for (let stop = bytes.indexOf(newline); stop >= 0; stop = bytes.indexOf(newline, from)) {
      lines.push({
        offset: carriedAt + from,
        end: carriedAt + stop + 1,
        bytes: bytes.subarray(from, stop),
        whole: true,
      });
      from = stop + 1;
    }
    carried = bytes.subarray(from);
    carriedAt += from;
    if (lines.length > 0) yield lines;
  }
  if (carried.length > 0) {
    yield [{ offset: carriedAt, end: carriedAt + carried.length, bytes: carried, whole: false }];
  }
}

/** As `readLines`, from the end back; only whole lines that begin at or after `start`, newest first. */
export async function* readLinesBackwards(
  file: Pick<FileHandle, "read">,
  start: number,
  end: number,
): AsyncGenerator<Line[]> {
  let tail: Uint8Array = new Uint8Array(0);
  let at = end;
  let chunkBytes = firstChunkBytes;
  while (at > start) {
    const length = Math.min(chunkBytes, at - start);
    const chunk = await file.read(at - length, length);
    if (chunk.length < length) break;
    at -= length;
    chunkBytes = Math.min(chunkBytes * 4, chunkBytesMax);
    const bytes = tail.length === 0 ? chunk : Buffer.concat([chunk, tail]);
    // The first newline ends a line that may begin before this chunk: it is kept for the next one.
    const keptTo = at === start ? 0 : bytes.indexOf(newline) + 1;
    if (keptTo === 0 && at > start) {
      tail = bytes;
      continue;
    }
    const lines: Line[] = [];
    let from = keptTo;
    for (let stop = bytes.indexOf(newline, from); stop >= 0; stop = bytes.indexOf(newline, from)) {
      lines.push({ offset: at + from, end: at + stop + 1, bytes: bytes.subarray(from, stop), whole: true });
      from = stop + 1;
    }
    tail = bytes.subarray(0, keptTo);
    yield lines.reverse();
  }
}

/**
 * The offset of the first line whose `seq` is at least `seq`, between a line's start `low` and `high`: a binary search,
 * because `seq` rises along the log and is each line's first key.
 */
export async function locateSeq(
  file: Pick<FileHandle, "read">,
  seq: number,
  range: { low: number; high: number },
): Promise<number> {
  let { low, high } = range;
  while (high - low > firstChunkBytes) {
    const middle = low + Math.floor((high - low) / 2);
    const found = await nextLineStart(file, middle, high);
    if (found === null || found.seq >= seq) high = middle;
    else low = found.offset;
  }
  for await (const lines of readLines(file, low, range.high)) {
    for (const line of lines) {
      const lineSeq = leadingSeq(line.bytes);
      if (lineSeq === null || lineSeq >= seq) return line.offset;
    }
  }
  return range.high;
}

async function nextLineStart(
  file: Pick<FileHandle, "read">,
  from: number,
  end: number,
): Promise<{ offset: number; seq: number } | null> {
  // Every line is longer than this many bytes, so the start of the next one is found by looking at a line at most.
  for await (const lines of readLines(file, from, end)) {
    for (const line of lines) {
      if (line.offset === from) continue;
      const seq = leadingSeq(line.bytes);
      if (seq !== null) return { offset: line.offset, seq };
    }
  }
  return null;
}

function leadingSeq(bytes: Uint8Array): number | null {
  const match = /^\{"seq":(\d+),/.exec(Buffer.from(bytes.subarray(0, 32)).toString("latin1"));
  return match ? Number(match[1]) : null;
}
