import type { Lease } from "../ports/session-store.ts";
import type { SessionId } from "../schema/ids.ts";
import type { LivingSession } from "./living-session.ts";
import type { RuntimeParts } from "./parts.ts";

type Seen = { head: number; wake: number };

/** The right to run each session: taken for a run, given back after it, or handed to the session's next life. */
export class RunLeases {
  /** Runs of lives that were let go of: the next life of their session waits for their end. */
  private readonly ending = new Map<SessionId, Promise<void>>();
  /** Could not be given back at the end of a life, because something had come. */
  private readonly kept = new Map<SessionId, Lease>();
  private readonly parts: RuntimeParts;
  private readonly onKept: (session: LivingSession) => void;

  /** `onKept`: something came before the lease was given back, so the session is to be looked at again. */
  constructor(parts: RuntimeParts, onKept: (session: LivingSession) => void) {
    this.parts = parts;
    this.onKept = onKept;
  }

  /** `null`: another worker runs it, or this object is done. */
  async acquire(session: LivingSession): Promise<Lease | null> {
    await this.ending.get(session.id);
    await session.releasing;
    if (session.closed || session.lease) return session.lease;
    const kept = this.kept.get(session.id);
    this.kept.delete(session.id);
    if (kept && !kept.signal.aborted) return (session.lease = kept);
    const acquired = await this.parts.store.acquire(session.id, this.parts.workerId, session.forced);
    if ("kind" in acquired) return null;
    session.forced = false;
    session.lease = acquired;
    session.previousHolder = acquired.previous;
    return acquired;
  }

  /** `seen`: what was looked at last; without it, what is so now. */
  release(session: LivingSession, seen: Seen | null, until: number | null): void {
    const { lease } = session;
    if (!lease) return;
    session.lease = null;
    const { store } = this.parts;
    session.releasing = store.release(lease, seen ?? { head: session.tail.seq, wake: store.wake(lease) }, until).then(
      (released) => {
        if (!released) this.keep(session, lease);
      },
      (error: unknown) => {
        this.parts.log.error({ session_id: session.id, err: error }, "a lease was not released");
        this.keep(session, lease);
      },
    );
  }

  /** A life was let go of in the middle of a run: the next one begins its own when this one is over. */
  runsOut(session: LivingSession): void {
    if (!session.runner) return;
    const over = session.runner
      .then(() => session.releasing)
      .finally(() => {
        if (this.ending.get(session.id) === over) this.ending.delete(session.id);
      });
    this.ending.set(session.id, over);
  }

  async allEnded(): Promise<void> {
    await Promise.all(this.ending.values());
  }

  /** The session is gone, and its leases with it. */
  forget(id: SessionId): void {
    this.kept.delete(id);
  }

  private keep(session: LivingSession, lease: Lease): void {
    if (lease.signal.aborted) return;
    if (session.closed) {
      this.kept.set(session.id, lease);
      return;
    }
    session.lease = lease;
    this.onKept(session);
  }
}
