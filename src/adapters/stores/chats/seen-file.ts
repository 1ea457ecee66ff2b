import { dirname } from "node:path";

import type { SeenMessage } from "../../../ports/chat-index.ts";
import type { FileHandle, FileSystem } from "../../../ports/file-system.ts";
import { errorCode } from "../../error-code.ts";
import { openOrCreate } from "../sessions/files/append-bytes.ts";
import { makeDurableFolder } from "../sessions/files/durable-folder.ts";
import { readLines } from "../sessions/files/read-lines.ts";
import { storageError } from "../storage-error.ts";
import { lineOf, rowIn, rowOf, withoutPlace, type Row } from "./seen-row.ts";
import { seenAgeMsMax, SeenRows } from "./seen-rows.ts";

/** A file is written anew when half of it is stale, and not for fewer lines than this. */
const staleLinesMin = 1_000;
const linesMaxFor = (rows: SeenRows): number => staleLinesMin + 2 * rows.size;
const pruneEveryMs = 3_600_000;
/** Handled at once while a file is written anew beside everything else. */
const rowsAtOnce = 200;

/**
 * `gateways/NAME/seen.jsonl`: a row for each message. Rows are appended without a sync, because nearly all of them can be
 * computed again from the logs; so lines can be missing anywhere after a power cut, and what stands behind one that
 * is bad vouches for no session's events any more: those are read from the log again.
 */
export class SeenFile {
  readonly rows: SeenRows;
  readonly #fs: FileSystem;
  readonly #path: string;
  readonly #gateway: string;
  readonly #nowMs: () => number;
  #file: FileHandle | null = null;
  #size = 0;
  #lines = 0;
  /** It could not be written anew: not tried again before there are so many lines. */
  #linesMin = 0;
  #prunedAtMs: number;
  #queue: Promise<void> = Promise.resolve();
  #failed = false;

  private constructor(options: SeenFileOptions) {
    this.rows = new SeenRows(options.countMax);
    this.#fs = options.fs;
    this.#path = options.path;
    this.#gateway = options.gateway;
    this.#nowMs = options.nowMs;
    this.#prunedAtMs = options.nowMs();
  }

  static async open(options: SeenFileOptions): Promise<SeenFile> {
    const seen = new SeenFile(options);
    if ((await options.fs.size(options.path)) !== null) await seen.#load();
    return seen;
  }

  /** Resolves when they are written; after a failure nothing of them is known. */
  note(seen: readonly SeenMessage[]): Promise<void> {
    return this.#inQueue(async () => {
      const news = seen.filter((one) => this.rows.isNews(one));
      if (news.length === 0) return;
      await this.#append(news.map((one) => lineOf(rowOf(one))).join(""));
      this.#lines += news.length;
      for (const one of news) this.rows.note(one);
      if (this.#nowMs() - this.#prunedAtMs > pruneEveryMs) this.#prune();
      if (this.#lines > Math.max(this.#linesMin, linesMaxFor(this.rows))) await this.#tidy();
    });
  }

  sync(): Promise<void> {
    return this.#inQueue(async () => {
      if (this.#failed) throw new Error(`${this.#path}: an earlier sync failed; restart the server`);
      if (this.#file === null) return;
      try {
        await this.#file.sync();
        await this.#fs.syncFolder(dirname(this.#path));
      } catch (error) {
        this.#failed = true;
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    if (!this.#failed) await this.sync();
    await this.#file?.close();
    this.#file = null;
  }

  #inQueue(work: () => Promise<void>): Promise<void> {
    const done = this.#queue.catch(ignoreReported).then(work);
    this.#queue = done;
    return done.catch((error: unknown) => {
      throw storageError(`cannot keep which messages ${this.#gateway} has brought`, error);
    });
  }

  async #append(text: string): Promise<void> {
    const file = await this.#opened();
    const bytes = Buffer.from(text);
    try {
      const written = await file.write(bytes, this.#size);
      if (written < bytes.length)
        throw Object.assign(new Error(`${written} of ${bytes.length} bytes written`), { code: "ENOSPC" });
    } catch (error) {
      await file.truncate(this.#size);
      throw error;
    }
    this.#size += bytes.length;
  }

  async #opened(): Promise<FileHandle> {
    if (this.#file) return this.#file;
    await makeDurableFolder(this.#fs, dirname(this.#path));
    const file = await openOrCreate(this.#fs, this.#path);
    this.#size = await file.size();
    return (this.#file = file);
  }

  async #load(): Promise<void> {
    const file = await this.#opened();
    let isWhole = true;
    let stale = 0;
    const oldestMs = this.#nowMs() - seenAgeMsMax;
    for await (const rows of this.#read(file)) {
      this.#lines += rows.length;
      for (const row of rows) {
        if (row === null) isWhole = false;
        else if (Date.parse(row.at) < oldestMs) stale += 1;
        else this.rows.note(this.#seenOf(isWhole ? row : withoutPlace(row)));
      }
    }
    this.#prune();
    if (!isWhole || stale > 0 || this.#lines > linesMaxFor(this.rows)) await this.#tidy();
  }

  /** Where the file can not be written anew, a full disk for one, the old one does as well: it is tried again later. */
  async #tidy(): Promise<void> {
    try {
      await this.#writeAnew();
    } catch (error) {
      if (errorCode(error) === undefined) throw error;
      this.#linesMin = this.#lines + linesMaxFor(this.rows);
    }
  }

  #prune(): void {
    this.#prunedAtMs = this.#nowMs();
    this.rows.prune(this.#prunedAtMs);
  }

  /** Rows in their order, some at a time; `null` for a line that can not be read. */
  async *#read(file: FileHandle): AsyncGenerator<(Row | null)[]> {
    for await (const lines of readLines(file, 0, this.#size))
      for (let at = 0; at < lines.length; at += rowsAtOnce)
        yield lines.slice(at, at + rowsAtOnce).map(({ whole, bytes }) => (whole ? rowIn(bytes) : null));
  }

  /** Leaves out what is too old, beyond the newest, twice there, or can not be read. A power cut leaves the old file or the new. */
  async #writeAnew(): Promise<void> {
    const old = await this.#opened();
    const path = `${this.#path}.new`;
    this.#prune();
    await this.#fs.remove(path);
    const file = await this.#fs.open(path, "create");
    const kept = await this.#copyInto(file, old);
    await file.sync();
    await this.#fs.rename(path, this.#path);
    // Its descriptor goes on under the new name.
    this.#file = file;
    this.#size = kept.bytes;
    this.#lines = kept.lines;
    await old.close();
    await this.#fs.syncFolder(dirname(this.#path));
  }

  async #copyInto(file: FileHandle, old: FileHandle): Promise<{ lines: number; bytes: number }> {
    const copied = new SeenRows(Number.POSITIVE_INFINITY);
    let isWhole = true;
    let lines = 0;
    let bytes = 0;
    let buffered = "";
    const flush = async (): Promise<void> => {
      const chunk = Buffer.from(buffered);
      buffered = "";
      if ((await file.write(chunk, bytes)) < chunk.length)
        throw Object.assign(new Error(`${file.path} could not be written whole`), { code: "ENOSPC" });
      bytes += chunk.length;
    };
    for await (const rows of this.#read(old)) {
      for (const row of rows) {
        if (row === null) isWhole = false;
        if (row === null || !this.rows.has(row.chat, row.key, this.#nowMs())) continue;
        const keptRow = isWhole ? row : withoutPlace(row);
        const seen = this.#seenOf(keptRow);
        if (!copied.isNews(seen)) continue;
        copied.note(seen);
        buffered += lineOf(keptRow);
        lines += 1;
      }
      await flush();
    }
    return { lines, bytes };
  }

  #seenOf({ key, chat, at, session, seq }: Row): SeenMessage {
    const place = session === undefined || seq === undefined ? {} : { event: { sessionId: session, seq } };
    return { key, chat: { gateway: this.#gateway, chatId: chat }, atMs: Date.parse(at), ...place };
  }
}

export type SeenFileOptions = {
  fs: FileSystem;
  path: string;
  gateway: string;
  nowMs: () => number;
  /** Rows kept; default: 500,000. */
  countMax?: number | undefined;
};

function ignoreReported(): void {
  // Whoever waited for the earlier rows has been told.
}
