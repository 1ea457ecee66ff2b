import type { Client } from "../../../client/client.ts";
import type { FollowEvent } from "../../../client/stream-events.ts";
import type { SessionId } from "../../../schema/ids.ts";
import type { LinkItem } from "../conversation/session-link.ts";
import { PendingQuestions } from "./pending-questions.ts";
import type { LostServer } from "./lost-server.ts";

export type FollowLink = { after: number; attach: boolean; signal: AbortSignal; server: LostServer };

/** Items that wait for a slow terminal; then the stream is not read on, and the server keeps our place. */
const waitingMax = 1000;

function itemOf(followed: FollowEvent): LinkItem | null {
  if (followed.kind === "event") return { kind: "event", event: followed.event };
  if (followed.kind === "token") {
    const { message_id: messageId, content, offset } = followed.data;
    return { kind: "token", messageId, content, offset };
  }
  if (followed.kind === "live") return followed.name === "activity" ? activityOf(followed.data) : null;
  return { kind: followed.kind };
}

/** What of it is not what this client knows is left out. */
function activityOf({ reason, problems }: Record<string, unknown>): LinkItem {
  return {
    kind: "activity",
    ...(typeof reason === "string" ? { reason } : {}),
    problems: Array.isArray(problems) ? problems.filter((one) => typeof one === "string") : [],
  };
}

/**
 * A session's stream with what becomes of its connection told in between, at once and not only when it is back.
 * Where the server was one of ours in the background, it is started again: `LostServer` says when.
 */
export async function* followLink(
  client: Client,
  id: SessionId,
  { after, attach, signal, server }: FollowLink,
): AsyncGenerator<LinkItem> {
  const waiting: LinkItem[] = [];
  let wakeReader = (): void => undefined;
  let wakePump = (): void => undefined;
  let over = false;
  let isLost = false;
  const put = (item: LinkItem): void => {
    waiting.push(item);
    wakeReader();
  };
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);

  const pending = new PendingQuestions(client, id);
  const pump = async (): Promise<void> => {
    const lost = (notice: LinkItem, saidBye: boolean): void => {
      if (!isLost) put(notice);
      isLost = true;
      server.lost(saidBye);
    };
    const follow = client.follow(id, {
      after,
      attach,
      signal: stopped,
      onLost: ({ cause, bye }) => {
        if (bye !== undefined) return lost({ kind: "stopped", mayStart: server.mayStart }, true);
        const reason = cause instanceof Error ? cause.message : "the server hung up";
        lost({ kind: "lost", reason, mayStart: server.mayStart }, false);
      },
    });
    for await (const followed of follow) {
      if (isLost) put({ kind: "back" });
      isLost = false;
      server.back();
      if (followed.kind === "ready") pending.forget();
      const item = itemOf(followed);
      if (item === null) continue;
      put(item.kind === "event" ? { ...item, always: await pending.alwaysOf(item.event) } : item);
      if (waiting.length >= waitingMax) await new Promise<void>((resolve) => (wakePump = resolve));
    }
  };
  const pumping: Promise<{ error: unknown } | null> = pump()
    .then(
      () => null,
      (error: unknown) => ({ error }),
    )
    .finally(() => {
      over = true;
      wakeReader();
    });
  try {
    for (;;) {
      const item = waiting.shift();
      if (item !== undefined) {
        if (waiting.length === 0) wakePump();
        yield item;
      } else if (over) break;
      else await new Promise<void>((resolve) => (wakeReader = resolve));
    }
  } finally {
    stop.abort();
    wakePump();
  }
  const failure = await pumping;
  if (failure !== null) throw failure.error;
}
