import type { FileHandle } from "../../../../ports/file-system.ts";
import { DuragentError } from "../../../../schema/problem.ts";
import { storageError } from "../../storage-error.ts";
import { sealLine } from "./line.ts";

/** The last line of a write: a snapshot points at it. */
export type LastLine = { seq: number; offset: number; end: number; crc: string | null };

export type WriterOptions = {
  path: string;
  seed: number;
  synced: boolean;
  /** Where the good bytes end, all of them synced. */
  size: number;
  /** Runs `use` with the log's descriptor. */
  withFile: <Result>(use: (file: FileHandle) => Promise<Result>) => Promise<Result>;
  /** Closes the descriptor after a failed sync. */
  discardFile: () => void;
  /** Keeps bytes that are cut from the log. */
  keepAside: (bytes: Uint8Array) => Promise<void>;
  /** After the first write of a new log was synced: its directory entries. */
  afterFirstSync?: () => Promise<void>;
  /** Nothing after the last durable event is in the log. */
  onThrownAway: () => void;
};

type Queued<Facts> = {
  openJson: readonly string[];
  lastSeq: number;
  facts: Facts;
  resolve: () => void;
  reject: (error: DuragentError) => void;
};

/** Characters of JSON that may wait for the disk in one session; more is refused. */
export const queuedCharsMax = 32 * 1024 * 1024;

/**
 * Writes one log. What is queued while a sync runs is written and synced together. After a failed sync it never writes
 * or syncs again: the kernel may have dropped the pages and cleared the error, so a second sync could lie.
 */
export class LogWriter<Facts> {
  readonly #options: WriterOptions;
  #size: number;
  #syncedSize: number;
  #queue: Queued<Facts>[] = [];
  #queuedChars = 0;
  #running: Promise<void> | null = null;
  #isFirst: boolean;
  #failure: DuragentError | null = null;
  #onDurable: (facts: Facts, last: LastLine) => void;

  constructor(options: WriterOptions, onDurable: (facts: Facts, last: LastLine) => void) {
    this.#options = options;
    this.#size = options.size;
    this.#syncedSize = options.size;
    this.#isFirst = options.afterFirstSync !== undefined;
    this.#onDurable = onDurable;
  }

  /** Set once nothing more can be written before the log has been opened again. */
  get failure(): DuragentError | null {
    return this.#failure;
  }

  /** The offset after the last byte that has been written and, where that was asked for, synced. */
  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#queuedChars > queuedCharsMax;
  }

  /** Resolves when the lines are in the log as durably as was asked for; rejects when they are not in it. */
  write(openJson: readonly string[], lastSeq: number, facts: Facts): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure) return reject(this.#failure);
      this.#queue.push({ openJson, lastSeq, facts, resolve, reject });
      for (const json of openJson) this.#queuedChars += json.length;
      if (!this.#running) this.#running = this.#run();
    });
  }

  /** Resolves when nothing is queued. */
  async idle(): Promise<void> {
    while (this.#running) await this.#running;
  }

  /** Under `flushed`: syncs what has been written. */
  async sync(file: FileHandle): Promise<void> {
    if (this.#syncedSize === this.#size) return;
    const size = this.#size;
    try {
      await file.sync();
    } catch (error) {
      throw await this.#poison(file, error, []);
    }
    this.#syncedSize = size;
  }

  async #run(): Promise<void> {
    // Appends made in the same turn of the event loop join one write.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const batch = this.#queue;
      this.#queue = [];
      this.#queuedChars = 0;
      try {
        await this.#options.withFile((file) => this.#writeBatch(file, batch));
      } catch (error) {
        // The file could not even be opened: nothing has been written.
        this.#throwAway(batch, storageError(`cannot open ${this.#options.path}`, error));
      }
    }
    this.#running = null;
  }

  async #writeBatch(file: FileHandle, batch: Queued<Facts>[]): Promise<void> {
    const start = this.#size;
    const { bytes, last } = this.#encode(batch, start);
    const foreign = await this.#foreignWrite(file);
    if (foreign) {
      this.#failure = foreign;
      this.#throwAway(batch, foreign);
      return;
    }
    try {
      await writeWhole(file, bytes, start);
    } catch (error) {
      await this.#cutBack(file, start, error, batch);
      return;
    }
    this.#size = start + bytes.length;
    if (this.#options.synced) {
      try {
        await file.sync();
        if (this.#isFirst) await this.#options.afterFirstSync?.();
      } catch (error) {
        await this.#poison(file, error, batch);
        return;
      }
      this.#syncedSize = this.#size;
    }
    this.#isFirst = false;
    const newest = batch[batch.length - 1];
    if (newest) this.#onDurable(newest.facts, last);
    for (const queued of batch) queued.resolve();
  }

  #encode(batch: Queued<Facts>[], start: number): { bytes: Buffer; last: LastLine } {
    let text = "";
    let lastText = "";
    let crc = "";
    for (const queued of batch) {
      for (const openJson of queued.openJson) {
        const mark = text === "" && this.#syncedSize === this.#size;
        ({ text: lastText, crc } = sealLine(openJson, mark, this.#options.seed));
        text += lastText;
      }
    }
    const bytes = Buffer.from(text);
    const end = start + bytes.length;
    const lastSeq = batch[batch.length - 1]?.lastSeq ?? 0;
    return { bytes, last: { seq: lastSeq, offset: end - Buffer.byteLength(lastText), end, crc } };
  }

  async #foreignWrite(file: FileHandle): Promise<DuragentError | null> {
    const size = await file.size();
    if (size === this.#size) return null;
    return new DuragentError(
      "session-corrupt",
      `${this.#options.path} has ${size} bytes where this server left ${this.#size}: another program changed it; ` +
        "nothing was written, and the log is examined when the session is opened again",
    );
  }

  async #cutBack(file: FileHandle, start: number, cause: unknown, batch: Queued<Facts>[]): Promise<void> {
    const error = storageError(`cannot write to ${this.#options.path}`, cause);
    try {
      await file.truncate(start);
    } catch (truncateError) {
      this.#failure = storageError(
        `cannot cut ${this.#options.path} back after a failed write`,
        truncateError,
        "unknown",
      );
      this.#options.discardFile();
    }
    this.#throwAway(batch, this.#failure ?? error);
  }

  async #poison(file: FileHandle, cause: unknown, batch: Queued<Facts>[]): Promise<DuragentError> {
    const failure = storageError(`cannot sync ${this.#options.path}`, cause, "unknown");
    this.#failure = new DuragentError("storage-failed", failure.message, failure.facts);
    // Under `flushed` what was written has been acknowledged and stays.
    const lost = this.#options.synced ? this.#size - this.#syncedSize : 0;
    try {
      if (lost > 0) await this.#options.keepAside(await file.read(this.#syncedSize, lost));
      if (lost > 0) await file.truncate(this.#syncedSize);
      this.#size -= lost;
    } catch (error) {
      // The end stays in the file, unacknowledged: opening the log again treats it like any other last write.
      this.#failure = storageError(`cannot sync ${this.#options.path}, nor cut what was not synced`, error, "unknown");
    }
    this.#options.discardFile();
    this.#throwAway(batch, this.#failure);
    return this.#failure;
  }

  #throwAway(batch: Queued<Facts>[], error: DuragentError): void {
    const all = [...batch, ...this.#queue];
    this.#queue = [];
    this.#queuedChars = 0;
    this.#options.onThrownAway();
    for (const queued of all) queued.reject(error);
  }
}

// A short write is not continued: nothing says that the bytes it reports are there.
async function writeWhole(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  const written = await file.write(bytes, offset);
  if (written === bytes.length) return;
  const error = new Error(`only ${written} of ${bytes.length} bytes were written`);
  throw Object.assign(error, { code: "ENOSPC" });
}
