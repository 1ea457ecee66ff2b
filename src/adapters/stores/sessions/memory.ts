import type { Clock } from "../../../ports/clock.ts";
import type {
  Appended,
  AppendOptions,
  Held,
  Lease,
  RepairReport,
  SessionStore,
  SessionSummary,
  SessionWatch,
  Snapshot,
  VerifyReport,
} from "../../../ports/session-store.ts";
import type { DeletedSpending } from "../../../schema/deleted-spending.ts";
import { sessionIdSchema, type SessionId } from "../../../schema/ids.ts";
import { DuragentError } from "../../../schema/problem.ts";
import { eventKinds, type EventDraft, type SessionEvent } from "../../../schema/session-event.ts";
import { InProcessSessions } from "./in-process-sessions.ts";
import { IdempotencyKeys } from "./idempotency-keys.ts";
import { placeEvents } from "./place-events.ts";

type MemoryRecord = {
  events: SessionEvent[];
  keys: IdempotencyKeys;
  snapshot: Snapshot | null;
  fruitlessOpens: number;
  /** Epoch of the last decision or outcome. */
  epoch: number;
};

/** What survives a store that is opened again on it, as a disk would. */
export class MemoryRecords {
  readonly sessions = new Map<SessionId, MemoryRecord>();
  readonly deleted = new Set<SessionId>();
  readonly spentByDeleted = new Map<SessionId, DeletedSpending>();
  readonly creationKeys = new Map<string, { sessionId: SessionId; digest: string }>();
  readonly cleanEpochs = new Set<number>();
  epoch = 0;
}

const fruitlessOpensMax = 4;

/** Sessions in memory, for tests and simulations: the same answers as a store on disk, and nothing ever fails. */
export class MemorySessionStore implements SessionStore {
  readonly durability = "synced";
  readonly #clock: Clock;
  readonly #records: MemoryRecords;
  readonly #epoch: number;
  readonly #process: InProcessSessions;

  constructor(options: { clock: Clock; records?: MemoryRecords }) {
    this.#clock = options.clock;
    this.#records = options.records ?? new MemoryRecords();
    this.#records.epoch += 1;
    this.#epoch = this.#records.epoch;
    this.#process = new InProcessSessions(options.clock, (id) => this.#records.sessions.get(id)?.events.length ?? 0);
    for (const id of this.#records.sessions.keys()) this.#process.leases.restore(id, "now");
  }

  async create(
    id: SessionId,
    drafts: EventDraft[],
    key?: { key: string; digest: string },
  ): ReturnType<SessionStore["create"]> {
    const known = key && this.#records.creationKeys.get(key.key);
    if (known) return { kind: "existing", ...known };
    if (this.#records.deleted.has(id))
      throw new DuragentError("session-ended", `${id} was deleted; its id is never given again`);
    if (this.#records.sessions.has(id)) throw new DuragentError("conflict", `there is a session ${id} already`);
    if (key) this.#records.creationKeys.set(key.key, { sessionId: id, digest: key.digest });
    const record = { events: [], keys: new IdempotencyKeys(), snapshot: null, fruitlessOpens: 0, epoch: 0 };
    this.#records.sessions.set(id, record);
    this.#place(record, drafts, 0);
    return { kind: "created", durable: Promise.resolve() };
  }

  async acquire(id: SessionId, worker: string, insists = false): Promise<Lease | Held> {
    const record = this.#record(id);
    const owner = this.#process.leases.owner(id);
    if (owner !== undefined) return { kind: "held", owner };
    if (insists) record.fruitlessOpens = 0;
    const { fruitlessOpens, epoch } = record;
    if (fruitlessOpens >= fruitlessOpensMax) {
      this.#process.leases.setAside(id);
      throw new DuragentError("repeated-crash", `${id} was opened ${fruitlessOpens} times and nothing came of it`);
    }
    record.fruitlessOpens += 1;
    const own = epoch === this.#epoch ? "self" : this.#records.cleanEpochs.has(epoch) ? "released" : "lost";
    const facts = {
      epoch: this.#epoch,
      head: record.events.length,
      fruitlessOpens,
      previous: epoch === 0 ? "none" : own,
    } as const;
    return this.#process.leases.grant(id, worker, facts);
  }

  async release(lease: Lease, seen: { head: number; wake: number }, wakeAt: number | null): Promise<boolean> {
    const { leases } = this.#process;
    if (!leases.holds(lease)) return true;
    const record = this.#record(lease.sessionId);
    if (record.events.length !== seen.head || leases.wakeOf(lease.sessionId) !== seen.wake) return false;
    record.fruitlessOpens = 0;
    leases.release(lease, wakeAt);
    return true;
  }

  wake(lease: Lease): number {
    return this.#process.leases.wakeOf(lease.sessionId);
  }

  async append(id: SessionId, _appendId: string, drafts: EventDraft[], options: AppendOptions): Promise<Appended> {
    const record = this.#record(id);
    const first =
      options.idempotencyKey === undefined ? undefined : record.keys.find(options.idempotencyKey, this.#clock.now());
    const event = first === undefined ? undefined : record.events[first - 1];
    if (event) return { kind: "duplicate", event, durable: Promise.resolve() };
    const refused = this.#refusal(id, record, options.lease);
    if (refused) return refused;
    const head = record.events.length;
    if (options.expectedHead !== undefined && options.expectedHead !== head) return { kind: "conflict", head };
    return this.#append(id, record, drafts, options.lease);
  }

  async appendLocked(
    id: SessionId,
    _appendId: string,
    options: { lease?: Lease; after: number },
    decide: (news: SessionEvent[]) => EventDraft[],
  ): Promise<Appended> {
    const record = this.#record(id);
    const refused = this.#refusal(id, record, options.lease);
    return refused ?? this.#append(id, record, decide(record.events.slice(options.after)), options.lease);
  }

  async *read(
    id: SessionId,
    options: { after?: number; limit?: number; backwards?: boolean } = {},
  ): AsyncGenerator<SessionEvent> {
    const events = this.#record(id).events.slice(options.after ?? 0);
    yield* (options.backwards ? events.reverse() : events).slice(0, options.limit);
  }

  async open(id: SessionId): ReturnType<SessionStore["open"]> {
    const { events, snapshot } = this.#record(id);
    return { snapshot, events: events.slice((snapshot?.contextSeq ?? 1) - 1), head: events.length };
  }

  async attach(id: SessionId, client: string, ttlMs: number | null): Promise<void> {
    this.#record(id);
    this.#process.attachments.attach(id, client, ttlMs);
  }

  async leave(id: SessionId, client: string): Promise<void> {
    this.#process.attachments.leave(id, client);
  }

  async attached(id: SessionId): Promise<{ count: number; expiresAt: number | null }> {
    return this.#process.attachments.attached(id);
  }

  watch(signal: AbortSignal): SessionWatch {
    return this.#process.watchers.watch(signal);
  }

  async claim(_worker: string, max: number): Promise<SessionId[]> {
    return this.#process.leases.claim(max);
  }

  async list({ after, limit }: { after?: SessionId; limit: number }): Promise<SessionSummary[]> {
    const ids = [...this.#records.sessions.keys()].toSorted().reverse();
    const page = ids.filter((id) => after === undefined || id < after).slice(0, limit);
    return page.map((sessionId) => {
      const { events, snapshot, fruitlessOpens } = this.#record(sessionId);
      const crashes = fruitlessOpens >= fruitlessOpensMax;
      return {
        sessionId,
        head: events.length,
        snapshot: snapshot?.seq === events.length ? snapshot : null,
        ...(crashes && {
          problem: { code: "repeated-crash", detail: "it was opened four times and nothing came of it" } as const,
        }),
      };
    });
  }

  async saveSnapshot(lease: Lease | null, id: SessionId, snapshot: Snapshot): Promise<void> {
    if (lease && !this.#process.leases.holds(lease)) return;
    this.#record(id).snapshot = structuredClone(snapshot);
  }

  async delete(id: SessionId, spent?: DeletedSpending): Promise<void> {
    this.#record(id);
    if (spent) this.#records.spentByDeleted.set(id, structuredClone(spent));
    this.#records.deleted.add(id);
    this.#records.sessions.delete(id);
    this.#process.forget(id, new DuragentError("session-ended", `${id} was deleted`));
  }

  async spentByDeleted(): Promise<ReadonlyMap<SessionId, DeletedSpending>> {
    return this.#records.spentByDeleted;
  }

  async close(): Promise<void> {
    // There is nothing that an open log holds.
  }

  async verify(id: SessionId): Promise<VerifyReport> {
    const bytes = (await Array.fromAsync(this.export(id))).reduce((sum, chunk) => sum + chunk.length, 0);
    return { sessionId: id, events: this.#record(id).events.length, bytes, problems: [] };
  }

  async repair(id: SessionId): Promise<RepairReport> {
    return { ...(await this.verify(id)), actions: [], applied: false };
  }

  async *export(id: SessionId): AsyncGenerator<Uint8Array> {
    for (const event of this.#record(id).events) yield Buffer.from(`${JSON.stringify(event)}\n`);
  }

  async health(): Promise<{ ok: boolean }> {
    return { ok: true };
  }

  async shutdown(): Promise<void> {
    this.#records.cleanEpochs.add(this.#epoch);
    this.#process.close(new DuragentError("shutting-down", "the server is shutting down"));
  }

  #record(id: SessionId): MemoryRecord {
    if (!sessionIdSchema.safeParse(id).success)
      throw new DuragentError("bad-request", `${JSON.stringify(id)} is no session id`);
    if (this.#records.deleted.has(id)) throw new DuragentError("session-ended", `${id} was deleted`);
    const record = this.#records.sessions.get(id);
    if (!record) throw new DuragentError("session-not-found", `there is no session ${id}`);
    return record;
  }

  #refusal(id: SessionId, record: MemoryRecord, lease: Lease | undefined): Appended | null {
    if (lease && !(lease.sessionId === id && this.#process.leases.holds(lease))) return { kind: "fenced" };
    return record.events.at(-1)?.type === "session_end" ? { kind: "ended" } : null;
  }

  #append(id: SessionId, record: MemoryRecord, drafts: EventDraft[], lease: Lease | undefined): Appended {
    if (drafts.length === 0) return { kind: "appended", events: [], durable: Promise.resolve() };
    const events = this.#place(record, drafts, lease?.epoch ?? null);
    const cameOfIt = events.some((event) => eventKinds[event.type] === "outcome" && event.type !== "error");
    if (cameOfIt || !lease) record.fruitlessOpens = 0;
    this.#process.watchers.hint(id, record.events.length);
    if (!lease) this.#process.wakeUp(id);
    return { kind: "appended", events, durable: Promise.resolve() };
  }

  #place(record: MemoryRecord, drafts: EventDraft[], epoch: number | null): SessionEvent[] {
    // Copied, as on a disk: what a caller changes later does not change the log.
    const events = structuredClone(placeEvents(drafts, record.events.length, epoch).map((placed) => placed.event));
    for (const event of events) {
      record.events.push(event);
      record.keys.note(event);
      record.epoch = Math.max(record.epoch, event.epoch ?? 0);
    }
    return events;
  }
}
