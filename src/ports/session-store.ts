import type { DeletedSpending } from "../schema/deleted-spending.ts";
import type { SessionId } from "../schema/ids.ts";
import type { DuragentError } from "../schema/problem.ts";
import type { EventDraft, SessionEvent } from "../schema/session-event.ts";

/** The right of one worker to run one session for a while. */
export type Lease = {
  readonly sessionId: SessionId;
  /** Fences late writers; never decreases along the log. */
  readonly epoch: number;
  /** `seq` of the last event when the lease was taken. */
  readonly head: number;
  /** Raised by every input, attachment and detachment; `release` succeeds only if it has not moved. */
  readonly wake: number;
  /** Who held it last: nobody, this start of this process, another that gave it back, or one that died with it. */
  readonly previous: "none" | "self" | "released" | "lost";
  /** Acquisitions since the last release or outcome: four mean that the session kills who opens it. */
  readonly fruitlessOpens: number;
  /** Fires when the lease is lost. */
  readonly signal: AbortSignal;
};

export type Held = { kind: "held"; owner: string };

export type AppendOptions = {
  /** Decisions and outcomes are written under a lease; inputs need none. */
  lease?: Lease;
  /** Append only if the log's last `seq` (queued events included) is this. */
  expectedHead?: number;
  /** The first append with a key wins for 24 h and the newest 1,000 keys of the session. */
  idempotencyKey?: string;
};

/**
 * What became of an append. `appended`: the events have their place (`seq`, `epoch`); nothing may be shown,
 * answered or done because of them before `durable` resolves; it rejects with a DuragentError
 * (`storage-failed`, `storage-full`) when they are not in the log. `duplicate`: `event` is the first with that key.
 */
export type Appended =
  | { kind: "appended"; events: SessionEvent[]; durable: Promise<void> }
  | { kind: "duplicate"; event: SessionEvent; durable: Promise<void> }
  | { kind: "conflict"; head: number }
  | { kind: "fenced" }
  | { kind: "ended" }
  | { kind: "unavailable"; error: DuragentError };

/** Why a session can not be appended to (yet); reads serve its good prefix. */
export type SessionProblem = {
  code: "session-corrupt" | "session-read-only" | "storage-failed" | "repeated-crash";
  detail: string;
};

/**
 * A snapshot is the engine's state as JSON, folded up to and including `seq`. `contextSeq` is the first event that
 * the model's context still needs: a log is read again from there. The store adds what ties both to its log.
 */
export type Snapshot = { version: string; seq: number; contextSeq: number; state: unknown };

export type SessionSummary = {
  sessionId: SessionId;
  head: number;
  /** The newest snapshot's state, if there is a readable one that covers the whole log (`seq === head`). */
  snapshot: Snapshot | null;
  problem?: SessionProblem;
};

export type VerifyReport = {
  sessionId: SessionId;
  events: number;
  bytes: number;
  problems: { file: string; line?: number; reason: string }[];
};

export type RepairReport = VerifyReport & {
  /** What was done, or without `apply` would be done: one sentence each. */
  actions: string[];
  applied: boolean;
};

/** How long an acknowledged event lives: see `durability` in duragent.yaml. */
export type DurabilityLevel = "flushed" | "synced" | "replicated";

/** Where sessions live: an append-only log for each, with leases, snapshots and presence. */
export interface SessionStore {
  readonly durability: DurabilityLevel;

  /** Fails with `conflict` if the id is, or `session-ended` if it ever was, taken. With a `key` seen before: the id made then. */
  create(
    id: SessionId,
    events: EventDraft[],
    key?: { key: string; digest: string },
  ): Promise<{ kind: "created"; durable: Promise<void> } | { kind: "existing"; sessionId: SessionId; digest: string }>;

  /** Throws `repeated-crash` where it has killed its process again and again; `insists`: someone wants it all the same. */
  acquire(id: SessionId, worker: string, insists?: boolean): Promise<Lease | Held>;
  /** `false`: something has come since; fold again. `wakeAt` (ms since the epoch): when the session wants to run next. */
  release(lease: Lease, seen: { head: number; wake: number }, wakeAt: number | null): Promise<boolean>;
  /** Current wake counter of a lease's session, to be read before the last `nextStep`. */
  wake(lease: Lease): number;

  append(id: SessionId, appendId: string, events: EventDraft[], options: AppendOptions): Promise<Appended>;
  /** After three conflicts: `decide` sees what is new, synchronously, in the log's own queue. */
  appendLocked(
    id: SessionId,
    appendId: string,
    options: { lease?: Lease; after: number },
    decide: (news: SessionEvent[]) => EventDraft[],
  ): Promise<Appended>;

  /** Durable events only, in order (newest first with `backwards`), `after` excluded. Throws `session-not-found`, `session-ended` (deleted). */
  read(id: SessionId, options?: { after?: number; limit?: number; backwards?: boolean }): AsyncIterable<SessionEvent>;
  /** Durable events from the snapshot's context on, and the snapshot, in one opening. Repairs a torn end first. */
  open(
    id: SessionId,
  ): Promise<{ snapshot: Snapshot | null; events: SessionEvent[]; head: number; problem?: SessionProblem }>;

  /** A client's row: it dies after `ttlMs`, with its connection or with its process; each change wakes the session. */
  attach(id: SessionId, client: string, ttlMs: number | null): Promise<void>;
  leave(id: SessionId, client: string): Promise<void>;
  /** How many clients are attached now, and when the first row expires (ms since the epoch). */
  attached(id: SessionId): Promise<{ count: number; expiresAt: number | null }>;

  /** Hints that a session's head moved or that it was woken; they may repeat or be missed and never carry data. */
  watch(signal: AbortSignal): SessionWatch;
  /** Sessions with work that nobody holds, or whose `wakeAt` has passed. */
  claim(worker: string, max: number): Promise<SessionId[]>;
  /** All sessions, newest first by id; `after` is the last id of the page before. */
  list(options: { after?: SessionId; limit: number }): Promise<SessionSummary[]>;

  saveSnapshot(lease: Lease | null, id: SessionId, snapshot: Snapshot): Promise<void>;
  /** Removes the session's log; the id stays taken for ever, and what it `spent` is kept in the same record. */
  delete(id: SessionId, spent?: DeletedSpending): Promise<void>;
  /** What deleted sessions had spent, by id. */
  spentByDeleted(): Promise<ReadonlyMap<SessionId, DeletedSpending>>;
  /** Gives back what memory and descriptors an open log holds; the next use opens it again. */
  close(id: SessionId): Promise<void>;

  verify(id: SessionId): Promise<VerifyReport>;
  repair(id: SessionId, options: { apply: boolean; reseal: boolean }): Promise<RepairReport>;
  /** The log's bytes as JSON lines. */
  export(id: SessionId): AsyncIterable<Uint8Array>;

  /** `ok: false` with the reason when the store can not be written to. */
  health(): Promise<{ ok: boolean; detail?: string }>;
  /** Syncs, releases what is held and closes; records a clean shutdown. */
  shutdown(): Promise<void>;
}

export interface SessionWatch extends AsyncIterable<{ id: SessionId; head: number }> {
  add(id: SessionId): void;
  remove(id: SessionId): void;
}
