/** Where a stream stands: the last durable `seq` sent and, inside a running response, the text offset and its call. */
export type StreamCursor = { seq: number; offset?: number; call?: string };

// Fifteen digits are exact as a number; a cursor with more was never given out.
const pattern = /^(0|[1-9]\d{0,14})(?:\.(0|[1-9]\d{0,14})\.([0-9A-Za-z]{1,32}))?$/;

/**
 * Reads `SEQ` or `SEQ.OFFSET.CALL`; anything else is `null`. Parsed as text, because `1.10` and `1.1` are
 * one number but two cursors.
 */
export function parseCursor(text: string): StreamCursor | null {
  const match = pattern.exec(text);
  if (!match?.[1]) return null;
  const seq = Number(match[1]);
  if (match[2] === undefined || match[3] === undefined) return { seq };
  return { seq, offset: Number(match[2]), call: match[3] };
}

/** The text that `parseCursor` reads back. */
export function formatCursor({ seq, offset, call }: StreamCursor): string {
  return offset === undefined || call === undefined ? `${seq}` : `${seq}.${offset}.${call}`;
}
