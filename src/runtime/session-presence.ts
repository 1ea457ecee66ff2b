import type { SessionId } from "../schema/ids.ts";
import { DuragentError } from "../schema/problem.ts";
import type { LivingSession } from "./living-session.ts";
import type { Attachment, Cursor, SessionReader, Sessions } from "./runtime.ts";
import { LogReader } from "./session-reader.ts";
import type { SessionRegistry } from "./session-registry.ts";

/** Who is attached, and who reads. Rows, not events: the status that follows from them is the engine's decision. */
export function sessionPresence(registry: SessionRegistry): Pick<Sessions, "attach" | "detach" | "reader"> {
  const { store, clock } = registry.parts;
  const timers = new Map<string, () => void>();

  const recount = async (session: LivingSession): Promise<void> => {
    const { count } = await store.attached(session.id);
    session.attachedCount = count;
    registry.kick(session);
  };

  const detach = (id: SessionId, clientId: string): Promise<void> =>
    registry.with(id, async (session) => {
      const key = `${id} ${clientId}`;
      timers.get(key)?.();
      timers.delete(key);
      await store.leave(id, clientId);
      await recount(session);
    });

  /** A row that expires wakes its session, as one that is taken away does. */
  const expireLater = (id: SessionId, clientId: string, ttlMs: number): void => {
    const key = `${id} ${clientId}`;
    timers.get(key)?.();
    const cancel = clock.after(ttlMs, () => {
      detach(id, clientId).catch((error: unknown) =>
        registry.parts.log.debug({ session_id: id, err: error }, "an expired attachment had nothing to leave"),
      );
    });
    timers.set(key, cancel);
  };

  return {
    detach,

    attach: (id, { clientId = `client_${clock.ulid()}`, ttlMs }): Promise<Attachment> =>
      registry.with(id, async (session) => {
        await store.attach(id, clientId, ttlMs ?? null);
        await recount(session);
        if (ttlMs !== undefined) expireLater(id, clientId, ttlMs);
        return {
          clientId,
          expiresAt: ttlMs === undefined ? null : clock.now() + ttlMs,
          leave: () => detach(id, clientId),
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
          read: (after, limit) => Array.fromAsync(store.read(id, { after, limit })),
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
