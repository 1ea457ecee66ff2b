import type { AppendOptions, Appended, Lease, SessionProblem, Snapshot } from "../ports/session-store.ts";
import type { SessionId } from "../schema/ids.ts";
import { DuragentError } from "../schema/problem.ts";
import type { EventDraft, SessionEvent } from "../schema/session-event.ts";
import { evolve } from "../domain/session/evolve.ts";
import { initialState, type SessionState } from "../domain/session/state.ts";
import { KeptEvents } from "./kept-events.ts";
import type { RuntimeParts } from "./parts.ts";

/** Raised when the state's shape or meaning changes: older snapshots are then not used. */
const snapshotVersion = "4";

/** Whether this program can go on from it. */
export const isSnapshotUsable = ({ version }: Snapshot): boolean => version === snapshotVersion;

type Environment = Pick<RuntimeParts, "store" | "clock" | "redact" | "metrics">;

/**
 * One open log, folded twice: `durable` from what is synced, the only state that is ever shown; `tail` with what is
 * queued as well, which decisions look at. Once a write has failed it takes nothing more: open the session again.
 */
export class SessionLog {
  readonly id: SessionId;
  durable: SessionState;
  tail: SessionState;
  /** From a turn boundary far enough back for the model's context, queued ones included. */
  readonly kept: KeptEvents;
  problem: SessionProblem | undefined;
  failure: DuragentError | null = null;
  /** `seq` up to which a snapshot is kept; 0: there is none that this program can use. */
  readonly snapshotSeq: number;
  /** Called after `tail` or `durable` has moved, or the log has failed. */
  onChange: () => void = () => undefined;
  private readonly env: Environment;
  private retired = false;
  /** States after each queued event, oldest first. */
  private readonly queued: SessionState[] = [];
  private readonly early = new Map<number, SessionEvent>();
  private waiters: { seq: number; resolve: () => void; reject: (error: Error) => void }[] = [];

  private constructor(env: Environment, id: SessionId, state: SessionState, kept: KeptEvents, snapshotSeq: number) {
    this.snapshotSeq = snapshotSeq;
    this.env = env;
    this.id = id;
    this.durable = state;
    this.tail = state;
    this.kept = kept;
  }

  /** Throws `session-not-found`, or `session-ended` for a deleted id. */
  static async open(env: Environment, id: SessionId): Promise<SessionLog> {
    const opened = await env.store.open(id);
    const usable = opened.snapshot && isSnapshotUsable(opened.snapshot) ? opened.snapshot : null;
    let { events } = opened;
    if (opened.snapshot && !usable) events = await Array.fromAsync(env.store.read(id));
    const from: SessionState = usable ? (usable.state as SessionState) : initialState;
    const known = events.filter((event) => event.seq > from.seq).reduce(evolve, from);
    // The last ones may be of types that a newer program wrote, to be ignored by others.
    const state = { ...known, seq: Math.max(known.seq, opened.head) };
    const log = new SessionLog(env, id, state, new KeptEvents(events, state.seq), from.seq);
    log.problem = opened.problem;
    return log;
  }

  /** Queues events at the log's end. They are in `tail` when this resolves; in `durable` when its `durable` does. */
  async append(drafts: EventDraft[], options: AppendOptions): Promise<Appended> {
    this.assertUsable();
    const appendId = this.env.clock.ulid();
    const cleaned = drafts.map((draft) => this.env.redact(draft));
    return this.took(await this.env.store.append(this.id, appendId, cleaned, options));
  }

  /** As `append`, in the log's own queue: `decide` sees a `tail` that nothing can overtake. */
  async appendLocked(decide: (tail: SessionState) => EventDraft[], lease?: Lease): Promise<Appended> {
    this.assertUsable();
    const after = this.tail.seq;
    const options = lease ? { lease, after } : { after };
    return this.took(
      await this.env.store.appendLocked(this.id, this.env.clock.ulid(), options, (news) => {
        for (const event of news) this.fold(event);
        return decide(this.tail).map((draft) => this.env.redact(draft));
      }),
    );
  }

  /** Resolves when everything up to `seq` is durable; rejects when it is not going to be. */
  whenDurable(seq: number): Promise<void> {
    if (this.durable.seq >= seq) return Promise.resolve();
    if (this.failure) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => this.waiters.push({ seq, resolve, reject }));
  }

  /** This object takes no more; what it has queued becomes durable all the same. */
  retire(): void {
    this.retired = true;
  }

  /** The events in memory, queued ones included: all that a look back for the model or the open turn needs. */
  get history(): readonly SessionEvent[] {
    return this.kept.all;
  }

  snapshot(): Snapshot {
    const contextSeq = this.history[0]?.seq ?? 1;
    return { version: snapshotVersion, seq: this.durable.seq, contextSeq, state: this.durable };
  }

  private assertUsable(): void {
    if (this.failure) throw this.failure;
    if (this.retired)
      throw new DuragentError("overloaded", "the session is being opened anew; try again", { retryAfterMs: 1_000 });
    if (this.problem && this.problem.code !== "repeated-crash")
      throw new DuragentError(this.problem.code, this.problem.detail, { retryAfterMs: 60_000 });
  }

  private took(appended: Appended): Appended {
    // An input for which there is no room just now says nothing about the log.
    if (appended.kind === "unavailable" && appended.error.code !== "overloaded") this.fail(appended.error);
    if (appended.kind !== "appended") return appended;
    for (const event of appended.events) this.fold(event);
    const last = appended.events.at(-1)?.seq ?? 0;
    const { clock, metrics } = this.env;
    const from = clock.monotonic();
    appended.durable.then(
      () => {
        metrics.add("duragent_appends_total");
        metrics.observe("duragent_append_seconds", (clock.monotonic() - from) / 1000);
        this.synced(last);
      },
      (error: unknown) => this.fail(asStorageFailure(error)),
    );
    return appended;
  }

  /** Events can come back in another order than they were queued in: each is folded in its turn. */
  private fold(event: SessionEvent): void {
    if (event.seq <= this.tail.seq) return;
    this.early.set(event.seq, event);
    for (let next = this.early.get(this.tail.seq + 1); next; next = this.early.get(this.tail.seq + 1)) {
      this.early.delete(next.seq);
      this.tail = evolve(this.tail, next);
      this.kept.push(next);
      this.queued.push(this.tail);
    }
    this.onChange();
  }

  private synced(seq: number): void {
    if (this.failure) return;
    while (this.queued[0] && this.queued[0].seq <= seq) {
      this.durable = this.queued.shift() ?? this.durable;
      this.kept.settle();
    }
    const ready = this.waiters.filter((waiter) => waiter.seq <= this.durable.seq);
    this.waiters = this.waiters.filter((waiter) => waiter.seq > this.durable.seq);
    for (const waiter of ready) waiter.resolve();
    this.onChange();
  }

  /** What was queued is not in the log: `tail` is thrown away, and so is this object. */
  private fail(error: DuragentError): void {
    if (this.failure) return;
    this.failure = error;
    this.kept.dropQueued();
    this.queued.length = 0;
    this.tail = this.durable;
    for (const waiter of this.waiters) waiter.reject(error);
    this.waiters = [];
    this.onChange();
  }
}

const asStorageFailure = (error: unknown): DuragentError =>
  error instanceof DuragentError
    ? error
    : new DuragentError("storage-failed", "the session's log could not be written", {
        cause: error,
        outcome: "unknown",
      });
