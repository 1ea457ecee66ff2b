import type { SessionId } from "../schema/ids.ts";
import { backoffMs, sleep, withIdleLimit } from "./patience.ts";
import { ApiProblem } from "./api-problem.ts";
import type { Requests } from "./request.ts";
import { parseSse, type SseItem } from "./sse-parser.ts";
import { readFollowed, type FollowEvent } from "./stream-events.ts";
import { ServerUnreachable } from "./transport.ts";

export type FollowOptions = {
  /** A cursor, or `now`; without: from the start of the log. */
  after?: string | number;
  /** `false`: watch without attaching. */
  attach?: boolean;
  signal?: AbortSignal;
  /** Silence after which a connection counts as dead; the server breaks it every 15 s. */
  idleTimeoutMs?: number;
  /**
   * The connection was lost and will be made again; `attempt` counts from 1 and begins anew once one holds. `bye`: why the
   * server says that it goes.
   */
  onLost?(lost: { attempt: number; waitMs: number; cause: unknown; bye?: string | undefined }): void;
};

const idleTimeoutDefaultMs = 60_000;

/**
 * Follows a session over as many connections as it takes: every durable event once, in order, from `after` on.
 * Ends after the session's end, or when the signal fires. Throws `ApiProblem` for refusals that waiting does not mend.
 */
export async function* followSession(
  requests: Requests,
  id: SessionId,
  options: FollowOptions,
): AsyncGenerator<FollowEvent> {
  const { signal, idleTimeoutMs = idleTimeoutDefaultMs, onLost } = options;
  const place = new Place(options.after);
  let attempt = 0;
  while (!signal?.aborted) {
    const cut = new AbortController();
    const forward = (): void => cut.abort(signal?.reason);
    signal?.addEventListener("abort", forward, { once: true });
    let waitMs: number | undefined;
    let cause: unknown;
    let bye: string | undefined;
    try {
      const response = await requests.open({
        method: "GET",
        path: `/api/v1/sessions/${encodeURIComponent(id)}/events`,
        query: { ...place.query(), ...(options.attach === false ? { attach: false } : {}) },
        headers: { accept: "text/event-stream", ...place.headers() },
        signal: cut.signal,
      });
      if (response.status === 204) return;
      for await (const item of withIdleLimit<SseItem>(parseSse(response.body), idleTimeoutMs, () =>
        cut.abort(new Error("silence")),
      )) {
        attempt = 0;
        const received = item === null ? null : readFollowed(item);
        if (received?.kind === "bye") {
          waitMs = received.data.retry_ms;
          bye = received.data.reason;
          break;
        }
        const fresh = received === null ? null : place.pass(received);
        if (fresh === null) continue;
        yield fresh;
        if (fresh.kind === "event" && fresh.event.type === "session_end") return;
      }
    } catch (error) {
      if (signal?.aborted) return;
      if (!mayPass(error)) throw error;
      cause = error;
      if (error instanceof ApiProblem) waitMs = error.facts.retryAfterMs;
    } finally {
      signal?.removeEventListener("abort", forward);
      cut.abort();
    }
    attempt += 1;
    const pauseMs = Math.max(waitMs ?? 0, backoffMs(attempt));
    onLost?.({ attempt, waitMs: pauseMs, cause, bye });
    await sleep(pauseMs, signal);
  }
}

function mayPass(error: unknown): boolean {
  if (error instanceof ApiProblem) return error.status === 429 || error.status >= 500;
  return error instanceof ServerUnreachable || isBrokenConnection(error);
}

// What breaks in the middle of a body has no class of its own, neither in Node nor in browsers.
function isBrokenConnection(error: unknown): boolean {
  return (
    error instanceof Error &&
    !(error instanceof SyntaxError) &&
    (error.name === "AbortError" ||
      error.name === "TypeError" ||
      "code" in error ||
      error.message === "silence" ||
      error.message === "aborted")
  );
}

/** What this follower has had: where to resume, and what must not be given out twice. */
class Place {
  private cursor: string | undefined;
  private readonly start: string | undefined;
  private seq = 0;
  private text: { messageId: string; length: number } | null = null;

  constructor(after: string | number | undefined) {
    this.start = after === undefined ? undefined : `${after}`;
    if (this.start !== undefined && this.start !== "now") this.seq = Number.parseInt(this.start, 10);
  }

  query(): { after?: string } {
    return this.cursor === undefined && this.start !== undefined ? { after: this.start } : {};
  }

  headers(): Record<string, string> {
    return this.cursor === undefined ? {} : { "last-event-id": this.cursor };
  }

  /** The same, or what of it is new; `null` if nothing is. */
  pass(received: FollowEvent): FollowEvent | null {
    switch (received.kind) {
      case "event":
        this.cursor = received.id;
        if (received.event.seq <= this.seq) return null;
        this.seq = received.event.seq;
        return received;
      case "token":
        this.cursor = received.id;
        return this.passToken(received);
      case "token_reset":
        this.text = null;
        return received;
      case "ready":
        this.cursor ??= `${received.data.last_seq}`;
        this.seq = Math.max(this.seq, received.data.last_seq);
        return received;
      case "live":
        return received;
    }
  }

  private passToken(token: Extract<FollowEvent, { kind: "token" }>): FollowEvent | null {
    const { message_id: messageId, content, offset } = token.data;
    const known = this.text?.messageId === messageId ? this.text.length : 0;
    if (offset + content.length <= known) return null;
    this.text = { messageId, length: offset + content.length };
    if (offset >= known) return token;
    return { ...token, data: { ...token.data, content: content.slice(known - offset), offset: known } };
  }
}
