import type { IncomingMessage } from "node:http";

import { DuragentError } from "../../../schema/problem.ts";
import type { MediaDeclaration, Upload } from "./upload.ts";

const media = "application/json";

/** Whether a request brings a body (RFC 9112, 6): one of these headers must be there. */
export function hasBody(incoming: IncomingMessage): boolean {
  return incoming.headers["transfer-encoding"] !== undefined || Number(incoming.headers["content-length"] ?? 0) > 0;
}

/** The text of a JSON body. The media type is looked at before a byte is read, the size while they come. */
export async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<string> {
  mediaOf(incoming, [media]);
  return utf8Text(await collectUpTo(incoming, maxBytes, `server.max_body_bytes (${maxBytes} bytes)`));
}

/** A body of one of these types, as it came; the limit goes by the type. */
export async function readUpload(
  incoming: IncomingMessage,
  declared: Readonly<Record<string, MediaDeclaration>>,
  textBytesMax: number,
): Promise<Upload> {
  const found = mediaOf(incoming, Object.keys(declared));
  const own = declared[found]?.bytesMax;
  const limit = own === undefined ? `server.max_body_bytes (${textBytesMax} bytes)` : `${own} bytes`;
  return { media: found, bytes: await collectUpTo(incoming, own ?? textBytesMax, limit) };
}

/** Which of the types a body says that it is. Throws `unsupported-media-type` for any other. */
function mediaOf(incoming: IncomingMessage, allowed: readonly string[]): string {
  const [type, ...parameters] = (incoming.headers["content-type"] ?? "").toLowerCase().split(";");
  const charset = parameters
    .map((parameter) => /^\s*charset="?([^"\s]*)"?\s*$/.exec(parameter)?.[1])
    .find((name) => name !== undefined);
  const found = allowed.find((one) => one === type?.trim());
  if (found === undefined || (charset !== undefined && charset !== "utf-8" && charset !== "utf8")) {
    throw new DuragentError(
      "unsupported-media-type",
      `A body here must be ${allowed.join(" or ")}: say so in Content-Type.`,
    );
  }
  if (incoming.headers["content-encoding"] !== undefined) {
    throw new DuragentError("unsupported-media-type", "A body here must come as it is, without a Content-Encoding.");
  }
  return found;
}

async function collectUpTo(incoming: IncomingMessage, maxBytes: number, limit: string): Promise<Uint8Array> {
  const tooLarge = () => new DuragentError("too-large", `The body is larger than ${limit}.`);
  if (Number(incoming.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  return collect(incoming, maxBytes, tooLarge);
}

/** Throws `bad-request` for what is not UTF-8. */
export function utf8Text(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    throw new DuragentError("bad-request", "The body is not valid UTF-8.", {
      cause: error,
      errors: [{ path: "", message: "not valid UTF-8" }],
    });
  }
}

function collect(incoming: IncomingMessage, maxBytes: number, tooLarge: () => Error): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const stop = (): void => {
      incoming.off("data", onData);
      incoming.off("end", onEnd);
      incoming.off("close", onClose);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      chunks.push(chunk);
      if (size <= maxBytes) return;
      stop();
      incoming.pause();
      reject(tooLarge());
    };
    const onEnd = (): void => {
      stop();
      resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    };
    const onClose = (): void => {
      stop();
      reject(new DuragentError("bad-request", "The connection ended before the body did."));
    };
    incoming.on("data", onData);
    incoming.on("end", onEnd);
    incoming.on("close", onClose);
  });
}
