import type { LivingSession } from "./living-session.ts";
import type { RuntimeParts } from "./parts.ts";
import { saveSnapshot } from "./session-snapshot.ts";

const idleCloseMs = 10 * 60_000;
const sweepMs = 60_000;
/** What idle sessions may take together. */
const idleBytesMax = 16 * 1024 * 1024;
/** What a session takes beside its events. */
const sessionBytes = 24 * 1024;
const soonMs = 100;

type Parts = Pick<RuntimeParts, "clock" | "store">;
type Owner = {
  sessions(): LivingSession[];
  close(session: LivingSession): Promise<void>;
  failed(session: LivingSession, error: unknown): void;
};

/** Nobody uses it now, and all of it is durable: what it waits for finds it in the store as well. */
const isIdle = ({ closed, runner, readers, holds, attachedCount, log }: LivingSession): boolean =>
  !closed &&
  !runner &&
  readers + holds + attachedCount === 0 &&
  (log.failure !== null || log.tail.seq === log.durable.seq);

/**
 * Lets go of sessions that are not used: each after ten minutes, and the longest unused ones sooner where together they hold
 * more than 16 MiB. Their number has no other bound: every chat that somebody writes in is one.
 */
export class IdleSessions {
  private readonly parts: Parts;
  private readonly owner: Owner;
  private stopSweep: () => void = () => undefined;
  private stopLook: (() => void) | null = null;
  private readonly closing = new Set<LivingSession>();
  private isStopped = false;

  constructor(parts: Parts, owner: Owner) {
    this.parts = parts;
    this.owner = owner;
    this.sweepLater();
  }

  /** One was opened, has grown, or rests. */
  changed(): void {
    if (this.isStopped) return;
    this.stopLook ??= this.parts.clock.after(soonMs, () => {
      this.stopLook = null;
      this.closeExcess();
    });
  }

  stop(): void {
    this.isStopped = true;
    this.stopSweep();
    this.stopLook?.();
  }

  private sweepLater(): void {
    const { clock } = this.parts;
    this.stopSweep = clock.after(sweepMs, () => {
      const before = clock.now() - idleCloseMs;
      for (const session of this.owner.sessions())
        if (isIdle(session) && !this.closing.has(session) && session.usedAt < before) this.close(session);
      this.sweepLater();
    });
  }

  private closeExcess(): void {
    const idle = this.owner.sessions().filter((session) => isIdle(session) && !this.closing.has(session));
    let excess = idle.reduce((sum, session) => sum + bytesOf(session), -idleBytesMax);
    if (excess <= 0) return;
    for (const session of idle.toSorted(lastToClose)) {
      if (excess <= 0) return;
      excess -= bytesOf(session);
      this.close(session);
    }
  }

  private close(session: LivingSession): void {
    this.closing.add(session);
    saveSnapshot(session, this.parts.store)
      .then(async () => {
        // Somebody may have begun to use it.
        if (isIdle(session)) await this.owner.close(session);
      })
      .catch((error: unknown) => this.owner.failed(session, error))
      .finally(() => this.closing.delete(session));
  }
}

/** Those with an open turn come last: to open them again, all that came since its beginning is read. */
const lastToClose = (a: LivingSession, b: LivingSession): number =>
  Number(a.tail.turn !== null) - Number(b.tail.turn !== null) || a.usedAt - b.usedAt;

const bytesOf = ({ log }: LivingSession): number => sessionBytes + log.kept.bytes;
