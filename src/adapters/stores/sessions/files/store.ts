import { join } from "node:path";

import type { Clock } from "../../../../ports/clock.ts";
import type { FileSystem } from "../../../../ports/file-system.ts";
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
} from "../../../../ports/session-store.ts";
import type { DeletedSpending } from "../../../../schema/deleted-spending.ts";
import type { SessionId } from "../../../../schema/ids.ts";
import { DuragentError } from "../../../../schema/problem.ts";
import type { EventDraft, SessionEvent } from "../../../../schema/session-event.ts";
import { storageError } from "../../storage-error.ts";
import { InProcessSessions } from "../in-process-sessions.ts";
import { appendToLog, type AppendFacts } from "./append.ts";
import { Creations, type Created } from "./creations.ts";
import { StoreEpoch } from "./epoch-file.ts";
import { makeDurableFolder } from "./durable-folder.ts";
import { FruitlessOpens } from "./fruitless-opens.ts";
import { IdentityLog } from "./identity-log.ts";
import { KnownSessions } from "./known-sessions.ts";
import { Maintenance } from "./maintenance.ts";
import { SessionLeases } from "./session-leases.ts";
import { notFound, OpenSessions } from "./open-sessions.ts";
import { identityPath } from "./paths.ts";
import { emptyTrash, scanSessions } from "./scan-sessions.ts";
import type { SessionLog } from "./session-log.ts";
import type { SnapshotFile } from "./snapshot-file.ts";
import { WriteHealth } from "./write-health.ts";
import { summarize } from "./summarize.ts";

export type FileSessionStoreOptions = {
  /** Holds a folder for each session, ids.jsonl and .trash. Absolute. */
  sessionsFolder: string;
  /** Holds server.epoch. Absolute; its lock must be held. */
  dataFolder: string;
  fs: FileSystem;
  clock: Clock;
  durability: "synced" | "flushed";
  /** Descriptors and logs kept open at once. */
  openLogsMax?: number;
};

/** Sessions as folders of files. The caller holds the lock of the data directory. */
export class FileSessionStore implements SessionStore {
  readonly durability: "synced" | "flushed";
  readonly #options: FileSessionStoreOptions;
  readonly #epoch: StoreEpoch;
  readonly #identity: IdentityLog;
  readonly #known = new KnownSessions();
  readonly #process: InProcessSessions;
  readonly #open: OpenSessions;
  readonly #creations: Creations;
  readonly #opens: FruitlessOpens;
  readonly #leases: SessionLeases;
  readonly #maintenance: Maintenance;
  readonly #appending: AppendFacts;
  readonly #health: WriteHealth;
  #closing = false;

  private constructor(options: FileSessionStoreOptions, epoch: StoreEpoch, identity: IdentityLog) {
    const { fs, clock, sessionsFolder: sessions, durability } = options;
    this.durability = durability;
    this.#options = options;
    this.#epoch = epoch;
    this.#identity = identity;
    this.#health = new WriteHealth(fs, sessions, identity);
    this.#process = new InProcessSessions(clock, (id) => this.#known.head(id) ?? 0);
    this.#opens = new FruitlessOpens(fs, sessions);
    this.#open = new OpenSessions({
      fs,
      sessions,
      durability,
      ...(options.openLogsMax !== undefined && { openLogsMax: options.openLogsMax }),
      nowIso: () => new Date(clock.now()).toISOString(),
      isHeld: (id) => this.#process.leases.owner(id) !== undefined,
      epoch: () => epoch.current,
      onDurable: (id, head) => {
        this.#health.succeeded();
        this.#known.set(id, head);
        this.#process.watchers.hint(id, head);
      },
    });
    const parts = { fs, clock, sessions, identity, known: this.#known, open: this.#open };
    this.#creations = new Creations(parts);
    this.#maintenance = new Maintenance({ ...parts, opens: this.#opens, process: this.#process });
    this.#leases = new SessionLeases({ epoch, opens: this.#opens, leases: this.#process.leases });
    this.#appending = {
      clock,
      process: this.#process,
      opens: this.#opens,
      log: (id) => this.#log(id),
      isCurrent: (log) => this.#open.peek(log.id) === log,
      failed: () => this.#health.failed(),
    };
  }

  /** Raises the epoch, empties the trash and looks at every session. Throws `storage-failed`, `storage-full`. */
  static async open(options: FileSessionStoreOptions): Promise<FileSessionStore> {
    const { fs, sessionsFolder: sessions, dataFolder } = options;
    try {
      await makeDurableFolder(fs, dataFolder);
      await makeDurableFolder(fs, sessions);
      const epoch = await StoreEpoch.raise(fs, join(dataFolder, "server.epoch"));
      const identity = await IdentityLog.open(fs, identityPath(sessions));
      await emptyTrash(fs, sessions, identity.deleted);
      const store = new FileSessionStore(options, epoch, identity);
      await scanSessions(fs, sessions, ({ id, snapshot }) => store.#found(id, snapshot));
      // Folders found here may have been made just before a crash; from now on they are shown.
      await fs.syncFolder(sessions);
      return store;
    } catch (error) {
      throw storageError(`cannot open the sessions in ${sessions}`, error);
    }
  }

  async create(id: SessionId, events: EventDraft[], key?: { key: string; digest: string }): Promise<Created> {
    this.#refuseWhenClosing();
    const created = await this.#creations.create(id, events, key);
    if (created.kind === "created") this.#opens.startAtNone(id);
    return created;
  }

  async acquire(id: SessionId, worker: string, insists = false): Promise<Lease | Held> {
    this.#refuseWhenClosing();
    const openFacts = () => this.#open.peek(id)?.durable ?? null;
    return this.#leases.acquire(id, worker, { openFacts, open: () => this.#log(id), insists });
  }

  async release(lease: Lease, seen: { head: number; wake: number }, wakeAt: number | null): Promise<boolean> {
    return this.#leases.release(lease, { seen, wakeAt, facts: this.#open.peek(lease.sessionId)?.tail ?? null });
  }

  wake(lease: Lease): number {
    return this.#process.leases.wakeOf(lease.sessionId);
  }

  // An append is placed and written by this process alone, so its outcome is never unknown and its id not needed.
  append(id: SessionId, _appendId: string, events: EventDraft[], options: AppendOptions): Promise<Appended> {
    return appendToLog(this.#appending, id, { ...options, decide: () => events });
  }

  appendLocked(
    id: SessionId,
    _appendId: string,
    options: { lease?: Lease; after: number },
    decide: (news: SessionEvent[]) => EventDraft[],
  ): Promise<Appended> {
    return appendToLog(this.#appending, id, { ...options, decide });
  }

  async *read(
    id: SessionId,
    options: { after?: number; limit?: number; backwards?: boolean } = {},
  ): AsyncGenerator<SessionEvent> {
    const { after = 0, limit = Number.MAX_SAFE_INTEGER, backwards = false } = options;
    const log = await this.#log(id);
    try {
      yield* log.read({ after, limit, backwards });
    } catch (error) {
      this.#maintenance.refuseGone(id);
      throw storageError(`cannot read ${log.paths.log}`, error);
    }
  }

  async open(id: SessionId): ReturnType<SessionStore["open"]> {
    this.#maintenance.refuseGone(id);
    // A poisoned log is opened anew: only then can it be written to again.
    if (this.#open.peek(id)?.isPoisoned) await this.#open.close(id);
    const isOpen = this.#open.peek(id) !== undefined;
    const { log, reading } = isOpen ? await this.#open.readAgain(await this.#log(id)) : await this.#openAnew(id);
    return { ...reading, ...(log.problem && { problem: log.problem }) };
  }

  async attach(id: SessionId, client: string, ttlMs: number | null): Promise<void> {
    this.#maintenance.refuseGone(id);
    if (!this.#known.has(id)) throw notFound(id);
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
    return this.#closing ? [] : this.#process.leases.claim(max);
  }

  list({ after, limit }: { after?: SessionId; limit: number }): Promise<SessionSummary[]> {
    return summarize(this.#known.page(after, limit), {
      fs: this.#options.fs,
      sessions: this.#options.sessionsFolder,
      known: this.#known,
      open: this.#open,
      opens: this.#opens,
      log: (id) => this.#log(id),
    });
  }

  async saveSnapshot(lease: Lease | null, id: SessionId, snapshot: Snapshot): Promise<void> {
    if (lease && !this.#process.leases.holds(lease)) return;
    const log = await this.#log(id);
    const wakeAt = this.#process.leases.due(id);
    try {
      const file = await log.saveSnapshot(snapshot, { wakeAt, nowMs: this.#options.clock.now() });
      if (file) this.#open.snapshots.set(id, snapshot, { size: 1024 });
    } catch (error) {
      this.#maintenance.refuseGone(id);
      throw storageError(`cannot write ${log.paths.snapshot}`, error);
    }
  }

  delete(id: SessionId, spent?: DeletedSpending): Promise<void> {
    return this.#maintenance.delete(id, spent);
  }

  async spentByDeleted(): Promise<ReadonlyMap<SessionId, DeletedSpending>> {
    return this.#identity.spent;
  }

  async close(id: SessionId): Promise<void> {
    await this.#open.close(id);
  }

  verify(id: SessionId): Promise<VerifyReport> {
    return this.#maintenance.verify(id);
  }

  repair(id: SessionId, options: { apply: boolean; reseal: boolean }): Promise<RepairReport> {
    return this.#maintenance.repair(id, options);
  }

  async *export(id: SessionId): AsyncGenerator<Uint8Array> {
    const log = await this.#log(id);
    yield* log.bytes();
  }

  health(): Promise<{ ok: boolean; detail?: string }> {
    return this.#health.check();
  }

  async shutdown(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    for (const log of this.#open.all()) {
      if (this.#process.leases.owner(log.id) !== undefined) await this.#opens.reset(log.id, log.durable);
      await this.#open.close(log.id);
    }
    this.#process.close(new DuragentError("shutting-down", "the server is shutting down"));
    await this.#identity.close();
    await this.#epoch.recordCleanShutdown();
  }

  #found(id: SessionId, snapshot: Pick<SnapshotFile, "seq" | "wake_at" | "ended"> | null): void {
    if (this.#identity.deleted.has(id)) return;
    this.#known.set(id, snapshot?.seq ?? null);
    if (!snapshot) this.#process.leases.restore(id, "now");
    else if (snapshot.wake_at !== null && !snapshot.ended) this.#process.leases.restore(id, snapshot.wake_at);
  }

  async #log(id: SessionId): Promise<SessionLog> {
    this.#maintenance.refuseGone(id);
    const open = this.#open.peek(id);
    if (open) return this.#open.get(id);
    return (await this.#openAnew(id)).log;
  }

  async #openAnew(id: SessionId) {
    if (!this.#known.has(id)) throw notFound(id);
    try {
      const opened = await this.#open.open(id);
      this.#known.set(id, opened.log.durable.head);
      return opened;
    } catch (error) {
      this.#maintenance.refuseGone(id);
      if (error instanceof DuragentError && error.code === "session-not-found") this.#known.delete(id);
      throw error;
    }
  }

  #refuseWhenClosing(): void {
    if (this.#closing) throw new DuragentError("shutting-down", "the server is shutting down", { retryable: true });
  }
}
