import type { FileSystem } from "../../../../ports/file-system.ts";
import type { SessionId } from "../../../../schema/ids.ts";
import { readOpens, writeOpens, type Opens } from "./opens-file.ts";
import { sessionPaths } from "./paths.ts";

type Entry = Opens & { onDisk: Opens };

const none: Opens = { count: 0, head: null };

/**
 * Counts acquisitions that were followed by neither a release nor an outcome. The count is on disk before a log is opened.
 * While the log stays open and has had an outcome since, the file is left as it is: the log itself disproves it later.
 */
export class FruitlessOpens {
  readonly #fs: FileSystem;
  readonly #sessions: string;
  readonly #entries = new Map<SessionId, Entry>();

  constructor(fs: FileSystem, sessions: string) {
    this.#fs = fs;
    this.#sessions = sessions;
  }

  /** A session that is being created has none. */
  startAtNone(id: SessionId): void {
    this.#entries.set(id, { ...none, onDisk: none });
  }

  async count(id: SessionId): Promise<number> {
    return (await this.#load(id)).count;
  }

  /** What is known without looking at the disk. */
  knownCount(id: SessionId): number | undefined {
    return this.#entries.get(id)?.count;
  }

  /** An outcome at `outcomeSeq` is in the log. */
  noteOutcome(id: SessionId, outcomeSeq: number): void {
    const entry = this.#entries.get(id);
    if (entry && entry.head !== null && outcomeSeq > entry.head) {
      entry.count = 0;
      entry.head = null;
    }
  }

  /** Before a log is opened; `head` if it is open already. */
  async raise(id: SessionId, head: number | null): Promise<void> {
    const entry = await this.#load(id);
    entry.count += 1;
    if (entry.count === 1) entry.head = head;
    const diskIsHarmless = head !== null && entry.count === 1 && entry.onDisk.count === 1;
    if (!diskIsHarmless) await this.#write(id, entry);
  }

  /** The log is open: what it holds decides whether earlier acquisitions were fruitless. */
  async settle(id: SessionId, log: { head: number; outcomeSeq: number }): Promise<number> {
    const entry = await this.#load(id);
    if (entry.head === null) {
      entry.head = log.head;
      await this.#write(id, entry);
    } else if (log.outcomeSeq > entry.head) {
      entry.count = 1;
      entry.head = log.head;
      await this.#write(id, entry);
    }
    return entry.count - 1;
  }

  /** A release, a message or a repair: what came before no longer counts. */
  async reset(id: SessionId, log?: { outcomeSeq: number }): Promise<void> {
    const entry = await this.#load(id);
    entry.count = 0;
    entry.head = null;
    const { onDisk } = entry;
    if (onDisk.count === 0) return;
    const disproved = onDisk.count === 1 && onDisk.head !== null && log !== undefined && log.outcomeSeq > onDisk.head;
    if (!disproved) await this.#write(id, entry);
  }

  forget(id: SessionId): void {
    this.#entries.delete(id);
  }

  async #load(id: SessionId): Promise<Entry> {
    const known = this.#entries.get(id);
    if (known) return known;
    const onDisk = await readOpens(this.#fs, sessionPaths(this.#sessions, id).opens);
    const entry = this.#entries.get(id) ?? { ...onDisk, onDisk };
    this.#entries.set(id, entry);
    return entry;
  }

  async #write(id: SessionId, entry: Entry): Promise<void> {
    const opens = { count: entry.count, head: entry.head };
    await writeOpens(this.#fs, sessionPaths(this.#sessions, id).opens, opens);
    entry.onDisk = opens;
  }
}
