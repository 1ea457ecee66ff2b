import { dirname } from "node:path";
import { z } from "zod";

import type { FileHandle, FileSystem } from "../../../../ports/file-system.ts";
import { deletedSpendingSchema, type DeletedSpending } from "../../../../schema/deleted-spending.ts";
import { sessionIdSchema, type SessionId } from "../../../../schema/ids.ts";
import { openOrCreate } from "./append-bytes.ts";
import { checkLine, sealLine } from "./line.ts";
import { readLines } from "./read-lines.ts";

const entrySchema = z.union([
  z.object({ deleted: sessionIdSchema, at: z.number(), spent: deletedSpendingSchema.optional() }),
  z.object({ key: z.string(), digest: z.string(), session_id: sessionIdSchema, at: z.number() }),
]);
type Entry = z.infer<typeof entrySchema>;

export type CreationKey = { sessionId: SessionId; digest: string };

// The same line format as a session's log, with a seed of its own.
const seed = 0x1d5;

/** `ids.jsonl`: ids that were deleted and keys under which sessions were created. Only ever grows; every entry is synced. */
export class IdentityLog {
  readonly deleted = new Set<SessionId>();
  readonly spent = new Map<SessionId, DeletedSpending>();
  readonly keys = new Map<string, CreationKey>();
  /** Lines that could not be read, for `doctor`. They are left where they are. */
  readonly badLines: string[] = [];
  readonly #fs: FileSystem;
  readonly #file: FileHandle;
  #size: number;
  #queue: Promise<void> = Promise.resolve();
  #failed = false;

  private constructor(fs: FileSystem, file: FileHandle, size: number) {
    this.#fs = fs;
    this.#file = file;
    this.#size = size;
  }

  static async open(fs: FileSystem, path: string): Promise<IdentityLog> {
    const file = await openOrCreate(fs, path);
    const log = new IdentityLog(fs, file, await file.size());
    await log.#load();
    return log;
  }

  async recordDeleted(id: SessionId, atMs: number, spent?: DeletedSpending): Promise<void> {
    const entry = { deleted: id, at: atMs, ...(spent && { spent }) };
    await this.#append(entry);
    this.#note(entry);
  }

  async recordKey(key: string, creation: CreationKey, atMs: number): Promise<void> {
    await this.#append({ key, digest: creation.digest, session_id: creation.sessionId, at: atMs });
    this.keys.set(key, creation);
  }

  async close(): Promise<void> {
    await this.#queue.catch(ignoreReported);
    await this.#file.close();
  }

  async #load(): Promise<void> {
    let goodEnd = 0;
    let lineNumber = 0;
    for await (const lines of readLines(this.#file, 0, this.#size)) {
      for (const line of lines) {
        if (!line.whole) continue;
        lineNumber += 1;
        goodEnd = line.end;
        const checked = checkLine(line.bytes, seed);
        const entry = checked.kind === "readable" && checked.crc !== null ? entrySchema.safeParse(checked.value) : null;
        if (entry?.success) this.#note(entry.data);
        else this.badLines.push(`${this.#file.path} line ${lineNumber}: it can not be read`);
      }
    }
    // What has no end was never acknowledged; anything else stays.
    if (goodEnd < this.#size) {
      await this.#file.truncate(goodEnd);
      this.#size = goodEnd;
    }
    // What was read may be in the page cache only, and answers are given because of it.
    await this.#file.sync();
    await this.#fs.syncFolder(dirname(this.#file.path));
  }

  #note(entry: Entry): void {
    if ("deleted" in entry) {
      this.deleted.add(entry.deleted);
      if (entry.spent) this.spent.set(entry.deleted, entry.spent);
    } else this.keys.set(entry.key, { sessionId: entry.session_id, digest: entry.digest });
  }

  #append(entry: Entry): Promise<void> {
    const write = this.#queue.catch(ignoreReported).then(() => this.#write(entry));
    this.#queue = write;
    return write;
  }

  async #write(entry: Entry): Promise<void> {
    if (this.#failed) throw new Error(`${this.#file.path}: an earlier sync failed; restart the server`);
    const bytes = Buffer.from(sealLine(JSON.stringify(entry).slice(0, -1), false, seed).text);
    let written = 0;
    try {
      written = await this.#file.write(bytes, this.#size);
      if (written < bytes.length)
        throw Object.assign(new Error(`${written} of ${bytes.length} bytes written`), { code: "ENOSPC" });
    } catch (error) {
      await this.#file.truncate(this.#size);
      throw error;
    }
    try {
      await this.#file.sync();
    } catch (error) {
      this.#failed = true;
      throw error;
    }
    this.#size += bytes.length;
  }
}

function ignoreReported(): void {
  // Whoever waited for the earlier entry has been told.
}
