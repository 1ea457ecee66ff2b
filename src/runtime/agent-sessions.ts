import type { AgentSessions, SiblingSession } from "../ports/agent-sessions.ts";
import type { Clock } from "../ports/clock.ts";
import type { SessionId } from "../schema/ids.ts";
import { DuragentError } from "../schema/problem.ts";
import type { Sessions, SessionView } from "./runtime.ts";

/** Of one session, to all others together: two that answer each other must not run hot. */
const sendsPerMinute = 10;
const minuteMs = 60_000;
/** Sessions of one agent that are looked at for a list. */
const lookedAtMax = 5_000;
const page = 500;

type Parts = { clock: Pick<Clock, "now">; digest(text: string): string };

/** How sessions of one agent see and write to each other: a session of another agent is as one that is not there. */
export function siblingSessions(
  sessions: Pick<Sessions, "get" | "list" | "send">,
  { clock, digest }: Parts,
): Pick<AgentSessions, "list" | "send"> {
  const sent = new Map<SessionId, { at: number; key: string }[]>();

  /** Sends of the last minute; senders that have been quiet since are forgotten. */
  function recentSends(from: SessionId): { at: number; key: string }[] {
    const since = clock.now() - minuteMs;
    for (const [id, sends] of sent) if ((sends.at(-1)?.at ?? 0) <= since) sent.delete(id);
    return (sent.get(from) ?? []).filter(({ at }) => at > since);
  }

  return {
    async list(agent, limit) {
      const views: SessionView[] = [];
      let cursor: string | undefined;
      do {
        const found = await sessions.list({ agent, limit: page, ...(cursor === undefined ? {} : { cursor }) });
        views.push(...found.sessions);
        cursor = found.nextCursor;
      } while (cursor !== undefined && views.length < lookedAtMax);
      return views
        .toSorted((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1))
        .slice(0, limit)
        .map(siblingOf);
    },

    async send(to, { agent, from, content, idempotencyKey }) {
      const recent = recentSends(from);
      const isRepeated = recent.some(({ key }) => key === idempotencyKey);
      if (!isRepeated && recent.length >= sendsPerMinute)
        throw new DuragentError(
          "rate-limited",
          `this session has sent ${sendsPerMinute} messages to others within a minute; wait before the next`,
          { retryable: true, retryAfterMs: minuteMs },
        );
      // Before anything is awaited: several calls may be on their way at once.
      if (!isRepeated) sent.set(from, [...recent, { at: clock.now(), key: idempotencyKey }]);
      const target = await sessions.get(to);
      if (target.agent !== agent) throw new DuragentError("session-not-found", `there is no session ${to}`);
      if (target.status === "ended") throw new DuragentError("session-ended", `session ${to} has ended`);
      const message = await sessions.send(to, {
        // Said in words: the model sees neither source nor sender.
        content: `Message from your session ${from}:\n\n${content}`,
        source: `session:${from}`,
        senderId: `session:${from}`,
        unattended: true,
        idempotencyKey: `session.${digest(`${from}\0${idempotencyKey}`)}`,
      });
      return { messageId: message.messageId };
    },
  };
}

const siblingOf = ({ sessionId, status, activity, title, updatedAt }: SessionView): SiblingSession => ({
  sessionId,
  status,
  activity,
  ...(title === undefined ? {} : { title }),
  updatedAt,
});
