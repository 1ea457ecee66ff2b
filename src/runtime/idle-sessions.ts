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

/** Nobody uses it now; what it waits for finds it in the store as well. */
const isIdle = (session: LivingSession): boolean =>
  !session.runner && session.readers === 0 && session.holds === 0 && session.attachedCount === 0;

/**
 * Lets go of sessions that are not used: each after ten minutes, and the longest unused ones sooner where together they hold
 * more than 16 MiB. Their number has no other bound: every chat that somebody writes in is one.
 */
export class IdleSessions {
  private readonly parts: Parts;
  private readonly owner: Owner;
  private stopSweep: () => void = () => undefined;
  private stopLook: (() => void) | null = null;

  constructor(parts: Parts, owner: Owner) {
    this.parts = parts;
    this.owner = owner;
    this.sweepLater();
  }

  /** One was opened, has grown, or rests. */
  changed(): void {
    this.stopLook ??= this.parts.clock.after(soonMs, () => {
      this.stopLook = null;
      this.closeExcess();
    });
  }

  stop(): void {
    this.stopSweep();
    this.stopLook?.();
  }

  private sweepLater(): void {
    const { clock } = this.parts;
    this.stopSweep = clock.after(sweepMs, () => {
      const before = clock.now() - idleCloseMs;
      for (const session of this.owner.sessions()) if (isIdle(session) && session.usedAt < before) this.close(session);
      this.sweepLater();
    });
  }

  private closeExcess(): void {
    const idle = this.owner.sessions().filter(isIdle);
    let excess = idle.reduce((sum, session) => sum + bytesOf(session), -idleBytesMax);
    if (excess <= 0) return;
    for (const session of idle.toSorted((a, b) => a.usedAt - b.usedAt)) {
      if (excess <= 0) return;
      excess -= bytesOf(session);
      this.close(session);
    }
  }

  private close(session: LivingSession): void {
    saveSnapshot(session, this.parts.store)
      .then(async () => {
        // Somebody may have begun to use it.
        if (isIdle(session)) await this.owner.close(session);
      })
      .catch((error: unknown) => this.owner.failed(session, error));
  }
}

const bytesOf = ({ log }: LivingSession): number => sessionBytes + log.kept.bytes;
