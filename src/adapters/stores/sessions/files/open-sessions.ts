import { LRUCache } from "lru-cache";

import type { FileSystem } from "../../../../ports/file-system.ts";
import type { Snapshot } from "../../../../ports/session-store.ts";
import type { SessionId } from "../../../../schema/ids.ts";
import { DuragentError } from "../../../../schema/problem.ts";
import type { SessionEvent } from "../../../../schema/session-event.ts";
import { isMissing } from "../../../error-code.ts";
import { storageError } from "../../storage-error.ts";
import { placeEvents } from "../place-events.ts";
import { Descriptors, openLogsMax } from "./descriptors.ts";
import { seedOf } from "./line.ts";
import { noFacts } from "./log-facts.ts";
import { openLog, type OpenedLog } from "./open-log.ts";
import { sessionPaths } from "./paths.ts";
import { asSnapshot, readSnapshotFile } from "./snapshot-file.ts";
import { SessionLog } from "./session-log.ts";
import { IdempotencyKeys } from "../idempotency-keys.ts";

export type OpenSessionsOptions = {
  fs: FileSystem;
  sessions: string;
  durability: "synced" | "flushed";
  openLogsMax?: number;
  nowIso: () => string;
  /** Sessions that somebody runs stay in memory, whatever else is opened. */
  isHeld: (id: SessionId) => boolean;
  /** The epoch for what the store itself records in a log. */
  epoch: () => number;
  onDurable: (id: SessionId, head: number) => void;
};

/** `head`: of the last event, also where that is of a type that was passed over. */
export type FirstReading = { snapshot: Snapshot | null; events: SessionEvent[]; head: number };

// A snapshot that was just read or written is likely to be listed next.
const snapshotCacheBytes = 2 * 1024 * 1024;

/** The logs that are in memory, at most one object for each. */
export class OpenSessions {
  readonly descriptors: Descriptors;
  readonly snapshots = new LRUCache<SessionId, Snapshot>({ maxSize: snapshotCacheBytes });
  readonly #options: OpenSessionsOptions;
  readonly #logs = new Map<SessionId, SessionLog>();
  readonly #opening = new Map<SessionId, Promise<{ log: SessionLog; reading: FirstReading }>>();

  constructor(options: OpenSessionsOptions) {
    this.#options = options;
    this.descriptors = new Descriptors(options.fs, options.openLogsMax);
  }

  peek(id: SessionId): SessionLog | undefined {
    return this.#logs.get(id);
  }

  all(): SessionLog[] {
    return [...this.#logs.values()];
  }

  /** The session's log, opened if it is not. Throws `session-not-found`, `storage-failed`, `storage-full`. */
  async get(id: SessionId): Promise<SessionLog> {
    const log = this.#logs.get(id);
    if (!log) return (await this.open(id)).log;
    this.#logs.delete(id);
    this.#logs.set(id, log);
    return log;
  }

  /** Opens a log that is not in memory, with what was read while doing so. */
  open(id: SessionId): Promise<{ log: SessionLog; reading: FirstReading }> {
    let opening = this.#opening.get(id);
    if (!opening) {
      opening = this.#open(id).finally(() => this.#opening.delete(id));
      this.#opening.set(id, opening);
    }
    return opening;
  }

  /** What an opening would have read. */
  async readAgain(log: SessionLog): Promise<{ log: SessionLog; reading: FirstReading }> {
    // What somebody who is done with it has queued belongs to what is read.
    await log.settled().catch(toldToTheWriter);
    const snapshot = await this.#snapshotOf(log);
    const { head } = log.durable;
    const range = { after: (snapshot?.contextSeq ?? 1) - 1, limit: Number.MAX_SAFE_INTEGER, backwards: false };
    return { log, reading: { snapshot, events: await Array.fromAsync(log.read(range)), head } };
  }

  /** A log that is being made; its first append makes it durable with its directory entries. */
  async create(id: SessionId): Promise<SessionLog> {
    const { fs, sessions } = this.#options;
    const paths = sessionPaths(sessions, id);
    await fs.makeFolder(paths.folder);
    const file = await fs.open(paths.log, "create");
    const afterFirstSync = async () => {
      await fs.syncFolder(paths.folder);
      await fs.syncFolder(sessions);
    };
    const log = this.#build(id, emptyLog(), afterFirstSync);
    this.descriptors.adopt(paths.log, file, async () => undefined);
    return log;
  }

  /** Waits for what is queued, then lets go of the log. */
  async close(id: SessionId): Promise<void> {
    const log = this.#logs.get(id);
    if (!log) return;
    while (!log.isQuiet) await log.settled().catch(toldToTheWriter);
    if (this.#logs.get(id) === log) this.#logs.delete(id);
    await log.close();
  }

  /** Lets go of a log whose files are gone. */
  drop(id: SessionId): void {
    const log = this.#logs.get(id);
    this.#logs.delete(id);
    this.snapshots.delete(id);
    if (log) this.descriptors.discard(log.paths.log);
  }

  async #open(id: SessionId): Promise<{ log: SessionLog; reading: FirstReading }> {
    const { fs, sessions, durability } = this.#options;
    const paths = sessionPaths(sessions, id);
    const environment = { fs, sessionId: id, paths, seed: seedOf(id), durability };
    let file;
    try {
      file = await fs.open(paths.log, "append");
    } catch (error) {
      throw isMissing(error) ? notFound(id) : storageError(`cannot open ${paths.log}`, error);
    }
    let opened: OpenedLog | null;
    try {
      opened = await openLog(environment, file);
    } catch (error) {
      await file.close();
      throw storageError(`cannot read ${paths.log}`, error, "unknown");
    }
    if (!opened) {
      await file.close();
      throw notFound(id);
    }
    const log = this.#build(id, opened);
    this.descriptors.adopt(paths.log, file, async () => undefined);
    const recorded = await this.#recordLosses(log, opened);
    if (opened.snapshot) this.snapshots.set(id, opened.snapshot, { size: 1024 });
    return {
      log,
      reading: { snapshot: opened.snapshot, events: [...opened.events, ...recorded], head: log.durable.head },
    };
  }

  async #snapshotOf(log: SessionLog): Promise<Snapshot | null> {
    const cached = this.snapshots.get(log.id);
    if (cached) return cached;
    const file = await readSnapshotFile(this.#options.fs, log.paths.snapshot, seedOf(log.id));
    if (!file || file.line_end > log.size || !(await log.meets(file))) return null;
    return asSnapshot(file);
  }

  async #recordLosses(log: SessionLog, opened: OpenedLog): Promise<SessionEvent[]> {
    if (opened.losses.length === 0 || opened.facts.ended) return [];
    const drafts = opened.losses.map((loss) => ({
      timestamp: this.#options.nowIso(),
      type: "error" as const,
      ...loss,
      retryable: false,
    }));
    const placed = placeEvents(drafts, log.tail.head, Math.max(this.#options.epoch(), log.tail.epoch));
    await log.append(placed);
    return placed.map((one) => one.event);
  }

  #build(id: SessionId, opened: OpenedLog, afterFirstSync?: () => Promise<void>): SessionLog {
    const { fs, sessions, durability, onDurable } = this.#options;
    const log = new SessionLog(
      {
        fs,
        sessionId: id,
        paths: sessionPaths(sessions, id),
        seed: seedOf(id),
        durability,
        descriptors: this.descriptors,
        onDurable: (head) => onDurable(id, head),
        ...(afterFirstSync && { afterFirstSync }),
      },
      opened,
    );
    this.#logs.set(id, log);
    this.#makeRoom();
    return log;
  }

  #makeRoom(): void {
    const max = this.#options.openLogsMax ?? openLogsMax;
    if (this.#logs.size <= max) return;
    let excess = this.#logs.size - max;
    for (const [id, log] of this.#logs) {
      if (excess <= 0) return;
      excess -= 1;
      if (!log.isQuiet || this.#options.isHeld(id)) continue;
      this.#logs.delete(id);
      log.close().catch(toldToTheWriter);
    }
  }
}

function emptyLog(): OpenedLog {
  return {
    facts: noFacts,
    keys: new IdempotencyKeys(),
    lastLine: { seq: 0, offset: 0, end: 0, crc: null },
    legacy: false,
    snapshot: null,
    snapshotFile: null,
    events: [],
    problem: null,
    losses: [],
  };
}

/** There is no such session, or nothing of it was ever acknowledged. */
export function notFound(id: string): DuragentError {
  return new DuragentError("session-not-found", `there is no session ${id}`);
}

function toldToTheWriter(): void {
  // Whoever wrote holds the promise that carries this error.
}
