import { DuragentError, problems } from "../../schema/problem.ts";
import type { Reply } from "./reply.ts";

// Answers that say "later" must say when; a second is what a restart or a freed place takes.
const retryAfterDefaultMs = 1000;

/** A problem document (RFC 9457). What is no DuragentError is a bug of ours: it shows its request id and nothing else. */
export function problemReply(error: unknown, requestId: string): Reply {
  if (!(error instanceof DuragentError)) {
    return document("internal-error", requestId, {
      detail: `Something went wrong inside the server; its log has the reason under the request id ${requestId}.`,
    });
  }
  const { errors, outcome, extra, retryAfterMs } = error.facts;
  const members = {
    ...extra,
    detail: error.message,
    ...(errors === undefined ? {} : { errors }),
    ...(outcome === undefined ? {} : { outcome }),
  };
  return document(error.code, requestId, members, retryAfterMs);
}

function document(
  code: keyof typeof problems,
  requestId: string,
  members: Record<string, unknown>,
  retryAfterMs?: number,
): Reply {
  const [status, title] = problems[code];
  const body = { type: `urn:duragent:problem:${code}`, title, status, ...members, instance: requestId };
  const headers: Record<string, string> = { "content-type": "application/problem+json" };
  if (status === 401) headers["www-authenticate"] = 'Bearer realm="duragent"';
  if (status === 429 || status === 503 || retryAfterMs !== undefined) {
    headers["retry-after"] = `${Math.max(1, Math.ceil((retryAfterMs ?? retryAfterDefaultMs) / 1000))}`;
  }
  return { status, headers, body: JSON.stringify(body) };
}
