/** A line longer than this is no message: it is refused, not kept. Below the server's own limit for a body. */
export const lineBytesMax = 1024 * 1024;

export type Line = { kind: "line"; text: string } | { kind: "too_long"; bytesMax: number };

/**
 * Lines of a byte stream, without their ends. Splits on "\n" only: readline also splits on U+2028, which is legal in text,
 * and dies of a line without an end. Past `bytesMax` a line's bytes are dropped as they come.
 */
export async function* splitLines(
  bytes: AsyncIterable<Uint8Array | string>,
  bytesMax = lineBytesMax,
): AsyncGenerator<Line> {
  let parts: Uint8Array[] = [];
  let length = 0;
  const finish = (): Line => {
    const line: Line =
      length > bytesMax
        ? { kind: "too_long", bytesMax }
        : { kind: "line", text: Buffer.concat(parts).toString("utf8").replace(/\r$/u, "") };
    parts = [];
    length = 0;
    return line;
  };
  const keep = (piece: Uint8Array): void => {
    length += piece.length;
    if (length <= bytesMax) parts.push(piece);
    else parts = [];
  };
  for await (const chunk of bytes) {
    const buffer = typeof chunk === "string" ? Buffer.from(chunk) : chunk;
    let from = 0;
    for (let end = buffer.indexOf(0x0a); end !== -1; end = buffer.indexOf(0x0a, from)) {
      keep(buffer.subarray(from, end));
      yield finish();
      from = end + 1;
    }
    if (from < buffer.length) keep(buffer.subarray(from));
  }
  if (length > 0) yield finish();
}
