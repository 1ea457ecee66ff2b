import type { SessionId } from "../schema/ids.ts";
import { DuragentError } from "../schema/problem.ts";
import type { LivingSession } from "./living-session.ts";
import type { Attachment, Cursor, SessionReader, Sessions } from "./runtime.ts";
import { LogReader } from "./session-reader.ts";
import type { SessionRegistry } from "./session-registry.ts";

/** Clients of one session that may be attached before one more that polls is refused. */
const clientsMax = 2_000;

/** Who is attached, and who reads. Rows, not events: the status that follows from them is the engine's decision. */
export function sessionPresence(registry: SessionRegistry): Pick<Sessions, "attach" | "detach" | "reader"> {
  const { store, clock } = registry.parts;
  const timers = new Map<string, () => void>();

  const keyOf = (id: SessionId, clientId: string): string => `${id} ${clientId}`;

  /** Connections are bounded where they come from; what only says that it is there, here. */
  const assertRoom = async (id: SessionId): Promise<void> => {
    if ((await store.attached(id)).count < clientsMax) return;
    throw new DuragentError("rate-limited", `${id} has ${clientsMax} attached clients, as many as it may`, {
      retryAfterMs: 5_000,
    });
  };

  const recount = async (id: SessionId): Promise<void> => {
    const { count } = await store.attached(id);
    // One that is being opened now counts for itself.
    const session = registry.peek(id);
    if (!session) return;
    session.attachedCount = count;
    registry.kick(session);
  };

  /** Also of a session that can not be opened: a row must not outlive its client. */
  const leave = async (id: SessionId, clientId: string): Promise<void> => {
    const key = keyOf(id, clientId);
    timers.get(key)?.();
    timers.delete(key);
    await store.leave(id, clientId);
    await recount(id);
  };

  /** A row that expires wakes its session, as one that is taken away does. */
  const expireLater = (id: SessionId, clientId: string, ttlMs: number): void => {
    const key = keyOf(id, clientId);
    timers.get(key)?.();
    const cancel = clock.after(ttlMs, () => {
      leave(id, clientId).catch((error: unknown) =>
        registry.parts.log.warn({ session_id: id, err: error }, "an attachment that expired was not taken away"),
      );
    });
    timers.set(key, cancel);
  };

  return {
    detach: (id, clientId) => registry.with(id, () => leave(id, clientId)),

    attach: (id, { clientId = `client_${clock.ulid()}`, ttlMs }): Promise<Attachment> =>
      registry.with(id, async () => {
        if (ttlMs !== undefined && !timers.has(keyOf(id, clientId))) await assertRoom(id);
        // Before the row is renewed, so that the end of the time before can not take it away.
        if (ttlMs !== undefined) expireLater(id, clientId, ttlMs);
        await store.attach(id, clientId, ttlMs ?? null);
        await recount(id);
        return {
          clientId,
          expiresAt: ttlMs === undefined ? null : clock.now() + ttlMs,
          leave: () => leave(id, clientId),
        };
      }),

    reader: async (id, from): Promise<SessionReader> => {
      const session = await registry.get(id);
      const head = session.log.durable.seq;
      const cursor: Cursor = from === "now" ? { seq: head } : from;
      if (cursor.seq > head)
        throw new DuragentError("bad-request", `the cursor ${cursor.seq} lies after the session's last event, ${head}`);
      let counted: LivingSession | null = session;
      session.readers += 1;
      const move = (to: LivingSession | null): void => {
        if (counted) counted.readers -= 1;
        counted = to;
        if (to) to.readers += 1;
      };
      return new LogReader(
        {
          source: async () => {
            const next = await registry.get(id);
            move(next);
            return {
              log: next.log,
              feed: next.feed,
              get closed() {
                return next.closed;
              },
            };
          },
          read: (after, limit) => store.read(id, { after, limit }),
          release: () => move(null),
        },
        {
          log: session.log,
          feed: session.feed,
          get closed() {
            return session.closed;
          },
        },
        cursor,
      );
    },
  };
}
