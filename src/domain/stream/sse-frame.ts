const encoder = new TextEncoder();
const lineBreak = /\r\n|\r|\n/;

/** One server-sent event. Without `id` it does not move the place that a client resumes from. */
export type FrameParts = { id?: string; event: string; data: string };

/**
 * The block of bytes that one event is on the wire, ended by its empty line (WHATWG HTML, "Server-sent events").
 * Line breaks in `data` become several `data:` lines; `id` and `event` must not hold any.
 */
export function encodeFrame({ id, event, data }: FrameParts): Uint8Array {
  const head = id === undefined ? `event: ${event}\n` : `id: ${id}\nevent: ${event}\n`;
  // JSON never holds a bare line break; the split is only paid by what does.
  const lines = lineBreak.test(data) ? data.split(lineBreak).join("\ndata: ") : data;
  return encoder.encode(`${head}data: ${lines}\n\n`);
}

/** A comment, which clients skip: keeps a connection from looking dead. */
export function encodeComment(text: string): Uint8Array {
  return encoder.encode(`: ${text}\n\n`);
}

/** How long a client waits before it connects again. */
export function encodeRetry(retryMs: number): Uint8Array {
  return encoder.encode(`retry: ${retryMs}\n\n`);
}

/** JSON with only ASCII in it, so that no cut between network packets can split a character. */
export function asciiJson(value: unknown): string {
  return JSON.stringify(value).replaceAll(
    // oxlint-disable-next-line no-control-regex -- DEL is ASCII; everything past it is escaped
    /[^\u0000-\u007f]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
