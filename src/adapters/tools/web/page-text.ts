/** How much of a page is read, decoded. */
export const pageBytesMax = 2 * 1024 * 1024;

const textTypes =
  /^(?:text\/.*|application\/(?:.*\+)?(?:json|xml|yaml|toml|javascript|ecmascript|x-ndjson|graphql|sql|x-sh)|image\/svg\+xml)$/;
const htmlTypes = new Set(["text/html", "application/xhtml+xml"]);

export type ReadPage =
  | { kind: "text" | "html"; type: string; text: string; isWhole: boolean }
  | { kind: "binary"; type: string; sizeBytes: number | null };

/** The body of an answer as text, at most 2 MiB of it; of what is not text only its type and size. */
export async function readPage(response: Response): Promise<ReadPage> {
  const declaredBytes = sizeOf(response.headers.get("content-length"));
  const header = response.headers.get("content-type") ?? "";
  const declared = mediaType(header);
  if (declared !== "" && !textTypes.test(declared)) {
    await response.body?.cancel();
    return { kind: "binary", type: declared, sizeBytes: declaredBytes };
  }
  const { bytes, isWhole } = await readUpTo(response, pageBytesMax);
  const type = declared === "" ? guessedType(bytes) : declared;
  // A text has no NUL, but for UTF-16, which begins with its mark.
  if (bytes.subarray(0, 1024).includes(0) && markedCharset(bytes) === undefined)
    return { kind: "binary", type, sizeBytes: isWhole ? bytes.length : declaredBytes };
  const isHtml = htmlTypes.has(type);
  return { kind: isHtml ? "html" : "text", type, text: decodeText(bytes, header, isHtml), isWhole };
}

const sizeOf = (length: string | null): number | null =>
  length !== null && /^\d{1,15}$/.test(length) ? Number(length) : null;

const mediaType = (header: string): string => (header.split(";", 1)[0] ?? "").trim().toLowerCase();

async function readUpTo(response: Response, bytesMax: number): Promise<{ bytes: Buffer; isWhole: boolean }> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (response.body === null) return { bytes: Buffer.alloc(0), isWhole: true };
  // Leaving the loop cancels the body, and with it the connection.
  for await (const chunk of response.body as ReadableStream<Uint8Array>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > bytesMax) return { bytes: Buffer.concat(chunks).subarray(0, bytesMax), isWhole: false };
  }
  return { bytes: Buffer.concat(chunks), isWhole: true };
}

function guessedType(bytes: Buffer): string {
  return /^\s*<(?:!doctype html|html|head|body)\b/i.test(bytes.subarray(0, 512).toString("latin1"))
    ? "text/html"
    : "text/plain";
}

function markedCharset(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? "utf-8" : undefined;
}

/** In the order of the HTML standard: the byte order mark, the header, what the page itself says, UTF-8. */
function decodeText(bytes: Buffer, header: string, isHtml: boolean): string {
  const inHeader = /charset\s*=\s*"?([^\s";]+)/i.exec(header)?.[1];
  const inPage = isHtml
    ? /<meta[^>]{0,200}?charset\s*=\s*["']?([^\s"'>;/]+)/i.exec(bytes.subarray(0, 1024).toString("latin1"))?.[1]
    : undefined;
  for (const label of [markedCharset(bytes), inHeader, inPage]) {
    const decoder = label === undefined ? undefined : decoderFor(label);
    if (decoder) return decoder.decode(bytes);
  }
  return new TextDecoder("utf-8").decode(bytes);
}

function decoderFor(label: string) {
  try {
    return new TextDecoder(label);
  } catch {
    // A label that nobody knows: the next one may be right.
    return undefined;
  }
}
