import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";

type Refusal = { status: number; code: string; detail: string };

const refusals: Readonly<Record<string, Refusal>> = {
  HPE_HEADER_OVERFLOW: { status: 431, code: "too-large", detail: "The request's headers are larger than 16 KiB." },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: "bad-request", detail: "The request did not arrive in time." },
};
const malformed: Refusal = { status: 400, code: "bad-request", detail: "This is not a valid HTTP request." };

/** Answers what never became a request, in the same shape as everything else, and ends the connection. */
export function refuseMalformed(error: Error & { code?: string }, socket: Duplex, requestId: string): void {
  if (!socket.writable || error.code === "ECONNRESET") {
    socket.destroy();
    return;
  }
  const { status, code, detail } = refusals[error.code ?? ""] ?? malformed;
  const title = STATUS_CODES[status] ?? "Bad Request";
  const body = JSON.stringify({ type: `urn:duragent:problem:${code}`, title, status, detail, instance: requestId });
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n` +
      `x-request-id: ${requestId}\r\nconnection: close\r\n\r\n${body}`,
  );
}
