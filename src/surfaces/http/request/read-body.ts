import type { IncomingMessage } from "node:http";

import { DuragentError } from "../../../schema/problem.ts";

const media = "application/json";

/** Whether a request brings a body (RFC 9112, 6): one of these headers must be there. */
export function hasBody(incoming: IncomingMessage): boolean {
  return incoming.headers["transfer-encoding"] !== undefined || Number(incoming.headers["content-length"] ?? 0) > 0;
}

/** The text of a JSON body. The media type is looked at before a byte is read, the size while they come. */
export async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<string> {
  const [type, ...parameters] = (incoming.headers["content-type"] ?? "").toLowerCase().split(";");
  const charset = parameters
    .map((parameter) => /^\s*charset="?([^"\s]*)"?\s*$/.exec(parameter)?.[1])
    .find((name) => name !== undefined);
  if (type?.trim() !== media || (charset !== undefined && charset !== "utf-8" && charset !== "utf8")) {
    throw new DuragentError("unsupported-media-type", `A body here must be ${media}: say so in Content-Type.`);
  }
  if (incoming.headers["content-encoding"] !== undefined) {
    throw new DuragentError("unsupported-media-type", "A body here must come as it is, without a Content-Encoding.");
  }
  const tooLarge = () =>
    new DuragentError("too-large", `The body is larger than server.max_body_bytes (${maxBytes} bytes).`);
  if (Number(incoming.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  const bytes = await collect(incoming, maxBytes, tooLarge);
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
