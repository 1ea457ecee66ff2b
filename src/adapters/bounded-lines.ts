const startBytes = 4 * 1024;

/**
 * Splits bytes at "\n" only (readline also splits at U+2028, which is legal inside a JSON string) and keeps at most `bytesMax` of
 * a line that has not ended, however small the pieces are in which it comes. A longer one is handed on as `null`, once, and
 * skipped to its end.
 */
export function boundedLines(bytesMax: number, onLine: (line: string | null) => void): (chunk: Buffer) => void {
  let held = Buffer.alloc(0);
  let length = 0;
  let isTooLong = false;

  const hold = (piece: Buffer): void => {
    if (isTooLong) return;
    if (length + piece.length > bytesMax) {
      isTooLong = true;
      held = Buffer.alloc(0);
      onLine(null);
      return;
    }
    if (length + piece.length > held.length) {
      const larger = Buffer.allocUnsafe(Math.max(startBytes, 2 * held.length, length + piece.length));
      held.copy(larger, 0, 0, length);
      held = larger;
    }
    length += piece.copy(held, length);
  };
  const end = (piece: Buffer): void => {
    if (length === 0 && !isTooLong && piece.length <= bytesMax) return onLine(piece.toString("utf8"));
    hold(piece);
    if (!isTooLong) onLine(held.toString("utf8", 0, length));
    held = Buffer.alloc(0);
    length = 0;
    isTooLong = false;
  };

  return (chunk) => {
    let start = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, start)) {
      end(chunk.subarray(start, at));
      start = at + 1;
    }
    if (start < chunk.length) hold(chunk.subarray(start));
  };
}
