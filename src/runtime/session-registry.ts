import type { Lease, SessionProblem } from "../ports/session-store.ts";
import type { SessionId } from "../schema/ids.ts";
import { DuragentError } from "../schema/problem.ts";
import { eventKinds } from "../schema/session-event.ts";
import { resolveAgent } from "./agent-in-force.ts";
import { IdleSessions } from "./idle-sessions.ts";
import { createLimits, type LimitsInForce } from "./limits/limits-in-force.ts";
import { LivingSession } from "./living-session.ts";
import type { RuntimeParts } from "./parts.ts";
import { RunLeases } from "./run-leases.ts";
import { run, type RunEnd } from "./runner.ts";
import { SessionLog } from "./session-log.ts";
import { saveSnapshot, thin } from "./session-snapshot.ts";
import { WakeTimes } from "./wake-times.ts";

/** A snapshot is kept, and memory let go of, after so many events or bytes, whichever is first. */
const snapshotEvery = { events: 256, bytes: 1024 * 1024 };
/** There is nothing to come back to. */
const goneBy: ReadonlySet<string> = new Set(["session-not-found", "session-ended"]);
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
  readonly limits: LimitsInForce;
  draining = false;
  /** Told when a session was opened or has changed. */
  onChanged: (session: LivingSession) => void = () => undefined;
  private readonly living = new Map<SessionId, Promise<LivingSession>>();
  private readonly open = new Map<SessionId, LivingSession>();
  private readonly wakes: WakeTimes;
  private readonly retries = new Map<SessionId, number>();
  private readonly leases: RunLeases;
  private readonly idle: IdleSessions;

  constructor(parts: RuntimeParts) {
    this.parts = parts;
    this.limits = createLimits(parts);
    this.wakes = new WakeTimes(parts.clock, (id) => this.wake(id));
    this.leases = new RunLeases(parts, (session) => this.kick(session));
    parts.metrics.gauge("duragent_sessions_open", () => this.open.size);
    parts.metrics.gauge("duragent_session_events_bytes", () =>
      this.sessions().reduce((sum, { log }) => sum + log.kept.bytes, 0),
    );
    parts.metrics.gauge("duragent_turns_active", () => this.sessions().filter((one) => one.running).length);
    parts.metrics.gauge("duragent_attached_clients", () =>
      [...this.open.values()].reduce((sum, session) => sum + session.attachedCount, 0),
    );
    this.idle = new IdleSessions(parts, {
      sessions: () => this.sessions(),
      close: (session) => this.close(session),
      failed: (session, error) => this.logFailure(session, error, "an idle session was not closed"),
    });
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
    let session = await this.get(id);
    // Let go of between the answer and this line.
    while (session.closed) session = await this.get(id);
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
    if (step.type === "wait" && session.endedProcesses.size === 0) return this.wakes.set(session.id, step.until);
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
    if (!session.runner) this.leases.release(session, null, null);
    await session.releasing;
    await this.parts.store.close(session.id);
  }

  /** As `close`, for a session that is never to run again. */
  async abandon(session: LivingSession): Promise<void> {
    await this.close(session);
    this.wakes.set(session.id, null);
    this.retries.delete(session.id);
    this.leases.forget(session.id);
  }

  /** Lets running turns reach their next safe point, aborts what is left after `graceMs`, and saves every snapshot. */
  async drain(graceMs: number): Promise<void> {
    this.draining = true;
    this.idle.stop();
    this.wakes.stop();
    this.limits.rates.stop();
    const runners = this.sessions().flatMap((session) => (session.runner ? [session.runner] : []));
    const cancel = this.parts.clock.after(graceMs, () => {
      for (const session of this.sessions()) session.running?.abort.abort("drain");
    });
    await Promise.all([...runners, this.leases.allEnded()]);
    cancel();
    for (const session of this.sessions()) {
      await this.trySnapshot(session);
      this.leases.release(session, null, null);
      await session.releasing;
    }
  }

  private async openSession(id: SessionId): Promise<LivingSession> {
    const { store } = this.parts;
    const log = await SessionLog.open(this.parts, id);
    const session = new LivingSession(this.parts, log, this.limits);
    await resolveAgent(session, this.parts);
    thin(session);
    // Last, because whoever comes or goes meanwhile finds no session to tell.
    session.attachedCount = (await store.attached(id)).count;
    log.onChange = () => this.changed(session);
    this.open.set(id, session);
    this.wakes.set(id, null);
    this.idle.changed();
    this.onChanged(session);
    // Whoever opened it may have something to append first, in the same write.
    queueMicrotask(() => this.kick(session));
    return session;
  }

  private changed(session: LivingSession): void {
    session.usedAt = this.parts.clock.now();
    session.tellActivity();
    session.feed.changed();
    session.checkRunning();
    if (session.log.failure) return this.replaceLater(session);
    this.onChanged(session);
    this.idle.changed();
    const { durable, kept } = session.log;
    const isDue =
      durable.seq - session.eventsAtSnapshot >= snapshotEvery.events || kept.newBytes >= snapshotEvery.bytes;
    if (isDue) void this.trySnapshot(session);
  }

  private async trySnapshot(session: LivingSession): Promise<void> {
    try {
      await saveSnapshot(session, this.parts.store);
    } catch (error) {
      this.logFailure(session, error, "the snapshot was not written");
    }
  }

  private async drive(session: LivingSession): Promise<void> {
    let lease: Lease | null = null;
    try {
      lease = session.lease ?? (await this.leases.acquire(session));
      if (!lease) {
        session.runner = null;
        return session.feed.changed();
      }
      const end = await run(session, lease, this.parts, { isDraining: () => this.draining });
      this.stopped(session, lease, end);
      this.retries.delete(session.id);
    } catch (error) {
      session.runner = null;
      this.leases.release(session, null, null);
      this.logFailure(session, error, "a session's run failed");
      if (error instanceof DuragentError && heldBackBy.has(error.code)) {
        if (error.code === "repeated-crash" && session.forced) return this.kick(session);
        // Trying again by itself would change nothing.
        session.log.problem = { code: error.code as SessionProblem["code"], detail: error.message };
        session.feed.changed();
        return;
      }
      this.replaceLater(session);
    }
  }

  /** Synchronous up to the runner's removal: what comes after it starts a new run. */
  private stopped(session: LivingSession, lease: Lease, end: RunEnd | null): void {
    session.runner = null;
    this.idle.changed();
    session.previousHolder = "self";
    const until = end?.kind === "waits" ? end.step.until : null;
    if (end?.kind === "waits") this.wakes.set(session.id, until);
    // Kept while the session lives here, which spares the next turn an acquisition; but not before anything has come
    // of it, or a session that only waits would look like one that kills its process.
    const seen = end?.kind === "waits" ? end.seen : null;
    if (!seen || lease.signal.aborted || !hadOutcome(session, lease)) this.leases.release(session, seen, until);
    session.feed.changed();
    // Also after `waits`: what came between that answer and this line has found a runner, and started none.
    if (!session.log.problem && !this.draining) this.kick(session);
  }

  /** The log took no more: this object is done, and another takes up the work once the store can be written to. */
  private replaceLater(session: LivingSession): void {
    if (session.closed) return;
    this.close(session)
      .catch((error: unknown) => this.logFailure(session, error, "a failed log was not closed"))
      .finally(() => this.wakeAgain(session.id));
  }

  /** After a failure: soon, then less and less often. */
  private wakeAgain(id: SessionId): void {
    const failures = (this.retries.get(id) ?? 0) + 1;
    this.retries.set(id, failures);
    this.wakes.set(id, this.parts.clock.now() + Math.min(retryMaxMs, retryBaseMs * 2 ** (failures - 1)));
  }

  private forget(session: LivingSession): void {
    session.closed = true;
    session.log.retire();
    this.leases.runsOut(session);
    if (this.open.get(session.id) === session) {
      this.open.delete(session.id);
      this.living.delete(session.id);
    }
    session.feed.changed();
  }

  private wake(id: SessionId): void {
    if (this.draining) return;
    this.get(id).then(
      (session) => this.kick(session),
      (error: unknown) => this.notOpened(id, error),
    );
  }

  /** A session whose time had come could not be opened: its work waits until it can. */
  notOpened(id: SessionId, error: unknown): void {
    if (error instanceof DuragentError && goneBy.has(error.code)) return;
    // Said once: it may be tried for a long time.
    const level = this.retries.has(id) ? "debug" : "error";
    this.parts.log[level]({ session_id: id, err: error }, "a session could not be opened");
    this.wakeAgain(id);
  }

  private isHeldBack(session: LivingSession): boolean {
    const { problem } = session.log;
    return problem !== undefined && !(problem.code === "repeated-crash" && session.forced);
  }

  private logFailure(session: LivingSession, error: unknown, message: string): void {
    const code = error instanceof DuragentError ? error.code : undefined;
    this.parts.log.error({ session_id: session.id, code, err: error }, message);
  }
}

const hadOutcome = ({ log }: LivingSession, lease: Lease): boolean =>
  (log.history.findLast((event) => eventKinds[event.type] === "outcome")?.seq ?? 0) > lease.head;
