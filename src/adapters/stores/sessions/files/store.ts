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
import type { SessionId } from "../../../../schema/ids.ts";
import { DuragentError } from "../../../../schema/problem.ts";
import type { EventDraft, SessionEvent } from "../../../../schema/session-event.ts";
import { storageError } from "../../storage-error.ts";
import { InProcessSessions } from "../in-process-sessions.ts";
import { appendToLog, type AppendFacts } from "./append.ts";
import { Creations, type Created } from "./creations.ts";
import { StoreEpoch } from "./epoch-file.ts";
import { FruitlessOpens } from "./fruitless-opens.ts";
import { IdentityLog } from "./identity-log.ts";
import { seedOf } from "./line.ts";
import { KnownSessions } from "./known-sessions.ts";
import { SessionLeases } from "./session-leases.ts";
import { notFound, OpenSessions } from "./open-sessions.ts";
import { identityPath, sessionPaths, trashFolder } from "./paths.ts";
import { repairLog, verifyLog } from "./repair-log.ts";
import { emptyTrash, scanSessions } from "./scan-sessions.ts";
import type { SessionLog } from "./session-log.ts";
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

const trashAgeMs = 24 * 60 * 60 * 1000;

type Parts = {
  options: FileSessionStoreOptions;
  epoch: StoreEpoch;
  identity: IdentityLog;
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
  readonly #deleting = new Set<SessionId>();
  readonly #appending: AppendFacts;
  #lastFailure: DuragentError | null = null;
  #closing = false;

  private constructor({ options, epoch, identity }: Parts) {
    const { fs, clock, sessionsFolder: sessions, durability } = options;
    this.durability = durability;
    this.#options = options;
    this.#epoch = epoch;
    this.#identity = identity;
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
        this.#lastFailure = null;
        this.#known.set(id, head);
        this.#process.watchers.hint(id, head);
      },
    });
    this.#creations = new Creations({ fs, clock, sessions, identity, known: this.#known, open: this.#open });
    this.#leases = new SessionLeases({ epoch, opens: this.#opens, leases: this.#process.leases });
    this.#appending = {
      clock,
      process: this.#process,
      opens: this.#opens,
      log: (id) => this.#log(id),
      isCurrent: (log) => this.#open.peek(log.id) === log,
      failed: (error) => {
        this.#lastFailure = error;
      },
    };
  }

  /** Raises the epoch, empties the trash and looks at every session. Throws `storage-failed`, `storage-full`. */
  static async open(options: FileSessionStoreOptions): Promise<FileSessionStore> {
    const { fs, sessionsFolder: sessions, dataFolder } = options;
    try {
      await fs.makeFolder(dataFolder);
      await fs.makeFolder(sessions);
      const epoch = await StoreEpoch.raise(fs, join(dataFolder, "server.epoch"));
      const identity = await IdentityLog.open(fs, identityPath(sessions));
      await emptyTrash(fs, sessions, identity.deleted);
      const store = new FileSessionStore({ options, epoch, identity });
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

  async acquire(id: SessionId, worker: string): Promise<Lease | Held> {
    this.#refuseWhenClosing();
    return this.#leases.acquire(id, worker, {
      openFacts: () => this.#open.peek(id)?.durable ?? null,
      open: () => this.#log(id),
    });
  }

  async release(lease: Lease, seen: { head: number; wake: number }, wakeAt: number | null): Promise<boolean> {
    const log = this.#open.peek(lease.sessionId);
    return this.#leases.release(lease, { seen, wakeAt, facts: log?.tail ?? null });
  }

  wake(lease: Lease): number {
    return this.#process.leases.wakeOf(lease.sessionId);
  }

  append(id: SessionId, appendId: string, events: EventDraft[], options: AppendOptions): Promise<Appended> {
    return appendToLog(this.#appending, id, { appendId, ...options, decide: () => events });
  }

  appendLocked(
    id: SessionId,
    appendId: string,
    options: { lease?: Lease; after: number },
    decide: (news: SessionEvent[]) => EventDraft[],
  ): Promise<Appended> {
    return appendToLog(this.#appending, id, { appendId, ...options, decide });
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
      this.#refuseGone(id);
      throw storageError(`cannot read ${log.paths.log}`, error);
    }
  }

  async open(id: SessionId): ReturnType<SessionStore["open"]> {
    this.#refuseGone(id);
    // A poisoned log is opened anew: only then can it be written to again.
    if (this.#open.peek(id)?.problem?.code === "storage-failed" || this.#open.peek(id)?.problem?.code === "session-corrupt") {
      await this.#open.close(id);
    }
    const isOpen = this.#open.peek(id) !== undefined;
    const opened = isOpen ? { log: await this.#log(id), reading: null } : await this.#openAnew(id);
    const { log } = opened;
    const reading = opened.reading ?? (await this.#readAgain(log));
    const problem = log.problem;
    return { ...reading, head: log.durable.head, ...(problem && { problem }) };
  }

  async attach(id: SessionId, client: string, ttlMs: number | null): Promise<void> {
    this.#refuseGone(id);
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
      this.#refuseGone(id);
      throw storageError(`cannot write ${log.paths.snapshot}`, error);
    }
  }

  async delete(id: SessionId): Promise<void> {
    const { fs, sessionsFolder: sessions, clock } = this.#options;
    const paths = sessionPaths(sessions, id);
    this.#refuseGone(id);
    if (!this.#known.has(id)) throw notFound(id);
    this.#deleting.add(id);
    try {
      await this.#open.peek(id)?.settled().catch(toldToTheWriter);
      await this.#identity.recordDeleted(id, clock.now());
      this.#process.forget(id, new DuragentError("session-ended", `${id} was deleted`));
      this.#open.drop(id);
      this.#opens.forget(id);
      this.#known.delete(id);
      const trash = trashFolder(sessions);
      const inTrash = join(trash, `${id}-${clock.now()}`);
      await fs.makeFolder(trash);
      await fs.rename(paths.folder, inTrash);
      await fs.syncFolder(sessions);
      clock.after(trashAgeMs, () => void fs.remove(inTrash).catch(leftForTheNextStart));
    } catch (error) {
      throw storageError(`cannot delete session ${id}`, error);
    } finally {
      this.#deleting.delete(id);
    }
  }

  async close(id: SessionId): Promise<void> {
    await this.#open.close(id);
  }

  async verify(id: SessionId): Promise<VerifyReport> {
    this.#refuseGone(id);
    await this.#open.peek(id)?.settled().catch(toldToTheWriter);
    return verifyLog(this.#options.fs, sessionPaths(this.#options.sessionsFolder, id), id);
  }

  async repair(id: SessionId, options: { apply: boolean; reseal: boolean }): Promise<RepairReport> {
    this.#refuseGone(id);
    await this.#open.close(id);
    const { fs, clock, sessionsFolder: sessions, durability } = this.#options;
    const report = await repairLog(
      { fs, sessionId: id, paths: sessionPaths(sessions, id), seed: seedOf(id), durability, nowIso: new Date(clock.now()).toISOString(), epoch: this.#epoch.current },
      options,
    );
    if (report.applied) {
      this.#open.snapshots.delete(id);
      this.#known.set(id, null);
      await this.#opens.reset(id);
      this.#process.wakeUp(id);
    }
    return report;
  }

  async *export(id: SessionId): AsyncGenerator<Uint8Array> {
    const log = await this.#log(id);
    yield* log.bytes();
  }

  async health(): Promise<{ ok: boolean; detail?: string }> {
    const bad = this.#identity.badLines[0];
    if (!this.#lastFailure) return { ok: true, ...(bad !== undefined && { detail: bad }) };
    const probe = join(this.#options.sessionsFolder, ".probe");
    try {
      await this.#options.fs.replace(probe, Buffer.alloc(4096), { sync: true });
      await this.#options.fs.remove(probe);
      this.#lastFailure = null;
      return { ok: true };
    } catch (error) {
      return { ok: false, detail: storageError("the session store can not be written to", error).message };
    }
  }

  async shutdown(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    const ending = new DuragentError("shutting-down", "the server is shutting down");
    for (const log of this.#open.all()) {
      if (this.#process.leases.owner(log.id) !== undefined) await this.#opens.reset(log.id, log.durable);
      await this.#open.close(log.id);
    }
    this.#process.close(ending);
    await this.#identity.close();
    await this.#epoch.recordCleanShutdown();
  }

  #found(id: SessionId, snapshot: { seq: number; wake_at: number | "now" | null; ended: boolean; version: string; context_seq: number; state: unknown } | null): void {
    if (this.#identity.deleted.has(id)) return;
    this.#known.set(id, snapshot?.seq ?? null);
    if (!snapshot) this.#process.leases.restore(id, "now");
    else if (snapshot.wake_at !== null && !snapshot.ended) this.#process.leases.restore(id, snapshot.wake_at);
  }

  async #log(id: SessionId): Promise<SessionLog> {
    this.#refuseGone(id);
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
      this.#refuseGone(id);
      if (error instanceof DuragentError && error.code === "session-not-found") this.#known.delete(id);
      throw error;
    }
  }

  async #readAgain(log: SessionLog) {
    const snapshot = await this.#open.snapshotOf(log);
    const events: SessionEvent[] = [];
    const after = (snapshot?.contextSeq ?? 1) - 1;
    for await (const event of log.read({ after, limit: Number.MAX_SAFE_INTEGER, backwards: false })) events.push(event);
    return { snapshot, events };
  }

  #refuseGone(id: SessionId): void {
    sessionPaths(this.#options.sessionsFolder, id);
    if (this.#deleting.has(id) || this.#identity.deleted.has(id)) throw new DuragentError("session-ended", `${id} was deleted`);
  }

  #refuseWhenClosing(): void {
    if (this.#closing) throw new DuragentError("shutting-down", "the server is shutting down", { retryable: true });
  }
}

function toldToTheWriter(): void {
  // Whoever wrote holds the promise that carries this error.
}

function leftForTheNextStart(): void {
  // The trash is emptied at every start, too.
}
