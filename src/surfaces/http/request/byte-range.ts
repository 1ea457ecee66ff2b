/** Bytes from `start` up to, but without, `end`. */
export type ByteRange = { start: number; end: number };

/**
 * What a Range header asks of `bytes` bytes (RFC 9110, 14.2). `null`: all of them, also for several ranges at once and for
 * what is no range, which may be ignored; `unsatisfiable`: none of them.
 */
export function byteRange(header: string | undefined, bytes: number): ByteRange | "unsatisfiable" | null {
  const [, first = "", last = ""] = /^bytes=\s*(\d{0,15})\s*-\s*(\d{0,15})\s*$/.exec(header ?? "") ?? [];
  if (first === "" && last === "") return null;
  if (first === "") {
    const count = Math.min(Number(last), bytes);
    return count === 0 ? "unsatisfiable" : { start: bytes - count, end: bytes };
  }
  const start = Number(first);
  if (last !== "" && Number(last) < start) return null;
  if (start >= bytes) return "unsatisfiable";
  return { start, end: last === "" ? bytes : Math.min(Number(last) + 1, bytes) };
}
