import type { Lease, SessionProblem } from "../ports/session-store.ts";
import { modelWindowTokens } from "../domain/prompt/model-window.ts";
import { hasOpenWork } from "../domain/session/next-status.ts";
import type { SessionId } from "../schema/ids.ts";
import { DuragentError } from "../schema/problem.ts";
import { eventKinds } from "../schema/session-event.ts";
import { resolveAgent } from "./agent-in-force.ts";
import { contextStart } from "./context-start.ts";
import { LivingSession } from "./living-session.ts";
import type { RuntimeParts } from "./parts.ts";
import { run, type RunEnd } from "./runner.ts";
import { SessionLog } from "./session-log.ts";
import { WakeTimes } from "./wake-times.ts";

const idleCloseMs = 10 * 60_000;
const sweepMs = 60_000;
const snapshotEvery = 256;
const heldBackBy: ReadonlySet<string> = new Set<SessionProblem["code"]>([
  "repeated-crash",
  "session-corrupt",
  "session-read-only",
]);
const retryBaseMs = 1_000;
const retryMaxMs = 30_000;

/** The sessions that live in this process: opened when used, run when runnable, closed when idle. */
export class SessionRegistry {
  readonly parts: RuntimeParts;
  draining = false;
  private readonly living = new Map<SessionId, Promise<LivingSession>>();
  private readonly open = new Map<SessionId, LivingSession>();
  private readonly wakes: WakeTimes;
  private readonly retries = new Map<SessionId, number>();
  private stopSweep: () => void = () => undefined;

  constructor(parts: RuntimeParts) {
    this.parts = parts;
    this.wakes = new WakeTimes(parts.clock, (id) => this.wake(id));
    parts.metrics.gauge("duragent_sessions_open", () => this.open.size);
    parts.metrics.gauge("duragent_turns_active", () => this.count((session) => session.running !== null));
    parts.metrics.gauge("duragent_attached_clients", () =>
      [...this.open.values()].reduce((sum, session) => sum + session.attachedCount, 0),
    );
    this.sweepLater();
  }

  /** Those that live here now. */
  sessions(): LivingSession[] {
    return [...this.open.values()];
  }

  peek(id: SessionId): LivingSession | undefined {
    return this.open.get(id);
  }

  /** The living session; opens it. Throws `session-not-found`, `session-ended` (deleted), `storage-failed`. */
  get(id: SessionId): Promise<LivingSession> {
    const known = this.living.get(id);
    if (known) return known;
    const opening = this.openSession(id);
    this.living.set(id, opening);
    opening.catch(() => this.living.delete(id));
    return opening;
  }

  /** Keeps the session open while `use` works with it. */
  async with<Result>(id: SessionId, use: (session: LivingSession) => Promise<Result>): Promise<Result> {
    const session = await this.get(id);
    session.holds += 1;
    try {
      return await use(session);
    } finally {
      session.holds -= 1;
      session.usedAt = this.parts.clock.now();
    }
  }

  /** Something has changed: the running effect is asked about again, or a run begins if there is work. */
  kick(session: LivingSession): void {
    session.feed.changed();
    if (session.runner) return session.checkRunning();
    if (session.closed || session.log.failure || this.isHeldBack(session)) return;
    const step = session.next(false);
    if (step.type === "wait") return this.wakes.set(session.id, step.until);
    if (this.draining) return;
    session.runner = this.drive(session);
  }

  /** Resolves when a run is over, or is busy with an effect: what could be decided at once has been. */
  async settled(session: LivingSession): Promise<void> {
    while (session.runner && !session.running && !session.closed)
      await new Promise<void>((resolve) => {
        const unlisten = session.feed.listen(() => {
          unlisten();
          resolve();
        });
      });
    await session.log.whenDurable(session.tail.seq);
  }

  /** Sleeps until `at`; used for sessions that are not open. */
  wakeAt(id: SessionId, at: number | null): void {
    this.wakes.set(id, at);
  }

  /** Forgets the session in memory; readers find its next life, or that there is none. */
  async close(session: LivingSession): Promise<void> {
    this.forget(session);
    if (!session.runner) this.release(session, null, null);
    await session.releasing;
    await this.parts.store.close(session.id);
  }

  async saveSnapshot(session: LivingSession): Promise<void> {
    if (session.log.failure || session.log.problem || session.log.durable.seq === session.eventsAtSnapshot) return;
    session.eventsAtSnapshot = session.log.durable.seq;
    this.trim(session);
    await this.parts.store.saveSnapshot(session.lease, session.id, session.log.snapshot());
  }

  /** Lets running turns reach their next safe point, aborts what is left after `graceMs`, and saves every snapshot. */
  async drain(graceMs: number): Promise<void> {
    this.draining = true;
    this.stopSweep();
    this.wakes.stop();
    const runners = this.sessions().flatMap((session) => (session.runner ? [session.runner] : []));
    const cancel = this.parts.clock.after(graceMs, () => {
      for (const session of this.sessions()) session.running?.abort.abort("drain");
    });
    await Promise.all(runners);
    cancel();
    for (const session of this.sessions()) {
      await this.saveSnapshot(session);
      this.release(session, null, null);
      await session.releasing;
    }
  }

  private async openSession(id: SessionId): Promise<LivingSession> {
    const { store } = this.parts;
    const log = await SessionLog.open(this.parts, id);
    const session = new LivingSession(this.parts, log);
    session.attachedCount = (await store.attached(id)).count;
    await resolveAgent(session, this.parts);
    log.onChange = () => this.changed(session);
    this.open.set(id, session);
    this.wakes.set(id, null);
    // Whoever opened it may have something to append first, in the same write.
    queueMicrotask(() => this.kick(session));
    return session;
  }

  private changed(session: LivingSession): void {
    session.usedAt = this.parts.clock.now();
    session.feed.changed();
    if (session.log.failure) return this.replaceLater(session);
    session.checkRunning();
    if (session.log.durable.seq - session.eventsAtSnapshot >= snapshotEvery)
      this.saveSnapshot(session).catch((error: unknown) =>
        this.logFailure(session, error, "the snapshot was not written"),
      );
  }

  private async drive(session: LivingSession): Promise<void> {
    let lease: Lease | null = null;
    try {
      lease = session.lease ?? (await this.acquire(session));
      if (!lease) {
        session.runner = null;
        return;
      }
      const end = await run(session, lease, this.parts, { isDraining: () => this.draining });
      this.stopped(session, lease, end);
      this.retries.delete(session.id);
    } catch (error) {
      session.runner = null;
      this.logFailure(session, error, "a session's run failed");
      if (error instanceof DuragentError && heldBackBy.has(error.code)) {
        // Trying again by itself would change nothing.
        session.log.problem = { code: error.code as SessionProblem["code"], detail: error.message };
        session.feed.changed();
        return;
      }
      this.replaceLater(session);
    }
  }

  private async acquire(session: LivingSession): Promise<Lease | null> {
    await session.releasing;
    const acquired = await this.parts.store.acquire(session.id, this.parts.workerId);
    if ("kind" in acquired) return null;
    session.lease = acquired;
    session.previousHolder = acquired.previous;
    return acquired;
  }

  /** Synchronous up to the runner's removal: what comes after it starts a new run. */
  private stopped(session: LivingSession, lease: Lease, end: RunEnd | null): void {
    session.runner = null;
    session.previousHolder = "self";
    const until = end?.kind === "waits" ? end.step.until : null;
    if (end?.kind === "waits") this.wakes.set(session.id, until);
    // Kept while the session lives here, which spares the next turn an acquisition; but not before anything has come
    // of it, or a session that only waits would look like one that kills its process.
    const seen = end?.kind === "waits" ? end.seen : null;
    if (!seen || lease.signal.aborted || !hadOutcome(session, lease)) this.release(session, seen, until);
    session.feed.changed();
    if (end?.kind !== "waits" && !session.log.problem && !this.draining) this.kick(session);
  }

  private release(session: LivingSession, seen: { head: number; wake: number } | null, until: number | null): void {
    const { lease } = session;
    if (!lease) return;
    session.lease = null;
    const { store } = this.parts;
    session.releasing = store.release(lease, seen ?? { head: session.tail.seq, wake: store.wake(lease) }, until).then(
      (released) => {
        if (!released) this.kick(session);
      },
      (error: unknown) => this.logFailure(session, error, "a lease was not released"),
    );
  }

  /** The log took no more: this object is done, and another takes up the work once the store can be written to. */
  private replaceLater(session: LivingSession): void {
    if (session.closed) return;
    const failures = (this.retries.get(session.id) ?? 0) + 1;
    this.retries.set(session.id, failures);
    this.close(session)
      .catch((error: unknown) => this.logFailure(session, error, "a failed log was not closed"))
      .finally(() => {
        const delayMs = Math.min(retryMaxMs, retryBaseMs * 2 ** (failures - 1));
        if (hasOpenWork(session.log.durable)) this.wakes.set(session.id, this.parts.clock.now() + delayMs);
      });
  }

  private forget(session: LivingSession): void {
    session.closed = true;
    if (this.open.get(session.id) === session) {
      this.open.delete(session.id);
      this.living.delete(session.id);
    }
    session.feed.changed();
  }

  private wake(id: SessionId): void {
    this.get(id).then(
      (session) => this.kick(session),
      (error: unknown) => this.parts.log.error({ session_id: id, err: error }, "a session could not be opened"),
    );
  }

  private isHeldBack(session: LivingSession): boolean {
    const { problem } = session.log;
    return problem !== undefined && !(problem.code === "repeated-crash" && session.forced);
  }

  private sweepLater(): void {
    this.stopSweep = this.parts.clock.after(sweepMs, () => {
      const before = this.parts.clock.now() - idleCloseMs;
      for (const session of this.sessions()) if (isIdle(session) && session.usedAt < before) this.closeIdle(session);
      this.sweepLater();
    });
  }

  private closeIdle(session: LivingSession): void {
    this.saveSnapshot(session)
      .then(async () => {
        if (isIdle(session)) await this.close(session);
      })
      .catch((error: unknown) => this.logFailure(session, error, "an idle session was not closed"));
  }

  private trim(session: LivingSession): void {
    const { log, inForce } = session;
    if (!inForce) return;
    const { maxHistoryTokens } = inForce.settings.context;
    const tokens = maxHistoryTokens === 0 ? modelWindowTokens(inForce.agent.definition.spec.model) : maxHistoryTokens;
    // Twice the budget at four bytes a token: estimates are corrected by up to that much.
    log.forgetBefore(contextStart(log.history, log.durable, tokens * 8));
  }

  private count(matches: (session: LivingSession) => boolean): number {
    return this.sessions().filter(matches).length;
  }

  private logFailure(session: LivingSession, error: unknown, message: string): void {
    const code = error instanceof DuragentError ? error.code : undefined;
    this.parts.log.error({ session_id: session.id, code, err: error }, message);
  }
}

const isIdle = (session: LivingSession): boolean =>
  !session.runner && session.readers === 0 && session.holds === 0 && session.attachedCount === 0;

const hadOutcome = ({ log }: LivingSession, lease: Lease): boolean =>
  (log.history.findLast((event) => eventKinds[event.type] === "outcome")?.seq ?? 0) > lease.head;
