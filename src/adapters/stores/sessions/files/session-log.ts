import type { FileHandle, FileSystem } from "../../../../ports/file-system.ts";
import type { SessionProblem, Snapshot } from "../../../../ports/session-store.ts";
import type { SessionId } from "../../../../schema/ids.ts";
import { DuragentError } from "../../../../schema/problem.ts";
import type { SessionEvent } from "../../../../schema/session-event.ts";
import type { IdempotencyKeys } from "../idempotency-keys.ts";
import type { Placed } from "../place-events.ts";
import { appendBytes } from "./append-bytes.ts";
import type { Descriptors } from "./descriptors.ts";
import { checkLine } from "./line.ts";
import { foldFacts, type LogFacts } from "./log-facts.ts";
import { LogWriter, type LastLine } from "./log-writer.ts";
import { toldBefore, type LogEnvironment, type OpenedLog } from "./open-log.ts";
import type { SessionPaths } from "./paths.ts";
import { readBackwards, readForward, readLegacy, type ReadableLog } from "./read-log.ts";
import { locateSeq, readLines } from "./read-lines.ts";
import { meetsLog, snapshotBytes, type SnapshotFile } from "./snapshot-file.ts";
import { WriteStarts } from "./write-starts.ts";

const chunkBytes = 256 * 1024;

export type SessionLogOptions = LogEnvironment & {
  sessionId: SessionId;
  descriptors: Descriptors;
  /** For a new log: syncs its directory entries. */
  afterFirstSync?: () => Promise<void>;
  onDurable: (head: number) => void;
};

/** One session's log while it is in memory: where the next event goes, and what of it is durable. */
export class SessionLog {
  readonly id: SessionId;
  readonly paths: SessionPaths;
  readonly keys: IdempotencyKeys;
  readonly legacy: boolean;
  readonly #fs: FileSystem;
  readonly #options: SessionLogOptions;
  readonly #writer: LogWriter<LogFacts>;
  readonly #writeStarts = new WriteStarts();
  readonly #file: Pick<FileHandle, "read">;
  #problem: SessionProblem | null;
  #durable: LogFacts;
  #tail: LogFacts;
  #lastLine: LastLine;
  /** Events that have their place and are not durable yet, oldest first. */
  #pending: SessionEvent[] = [];
  #lastWrite: Promise<void> = Promise.resolve();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(options: SessionLogOptions, opened: OpenedLog) {
    this.id = options.sessionId;
    this.paths = options.paths;
    this.keys = opened.keys;
    this.legacy = opened.legacy;
    this.#fs = options.fs;
    this.#options = options;
    this.#problem = opened.problem;
    this.#durable = opened.facts;
    this.#tail = opened.facts;
    this.#lastLine = opened.lastLine;
    const { descriptors, paths } = options;
    const beforeClose = (file: FileHandle) => this.#writer.sync(file);
    const withFile = <Result>(use: (file: FileHandle) => Promise<Result>) =>
      descriptors.with(paths.log, beforeClose, use);
    this.#file = { read: (offset, length) => withFile((file) => file.read(offset, length)) };
    this.#writer = new LogWriter<LogFacts>(
      {
        path: paths.log,
        seed: options.seed,
        synced: options.durability === "synced",
        size: opened.lastLine.end,
        withFile,
        discardFile: () => descriptors.discard(paths.log),
        keepAside: (bytes) => appendBytes(options.fs, paths.torn, bytes),
        onThrownAway: () => this.#throwTailAway(),
        ...(options.afterFirstSync && { afterFirstSync: options.afterFirstSync }),
      },
      (facts, last) => this.#becameDurable(facts, last),
    );
  }

  /** What is so after everything that is queued. */
  get tail(): LogFacts {
    return this.#tail;
  }

  get durable(): LogFacts {
    return this.#durable;
  }

  /** The offset after the last durable event. */
  get size(): number {
    return this.#lastLine.end;
  }

  get problem(): SessionProblem | null {
    const failure = this.#writer.failure;
    if (!failure) return this.#problem;
    return { code: failure.code === "session-corrupt" ? "session-corrupt" : "storage-failed", detail: failure.message };
  }

  /** A failed sync, or another writer: nothing can be appended before it is opened anew. */
  get isPoisoned(): boolean {
    return this.#writer.failure !== null;
  }

  get isQuiet(): boolean {
    return this.#pending.length === 0;
  }

  /** Why nothing can be appended now. */
  refusal(): DuragentError | null {
    const problem = this.problem;
    return problem && (this.#writer.failure ?? new DuragentError(problem.code, problem.detail));
  }

  /** Why no more inputs are taken just now. What a runner has to record is bounded by itself, and always is. */
  crowd(): DuragentError | null {
    if (!this.#writer.isFull) return null;
    return new DuragentError("overloaded", `${this.id} has more waiting for the disk than it may; try again`, {
      retryAfterMs: 1000,
    });
  }

  /** Queues events that were placed after `tail`. Resolves when they are durable. */
  append(placed: readonly Placed[]): Promise<void> {
    for (const { event } of placed) {
      this.#tail = foldFacts(this.#tail, event);
      this.keys.note(event);
      this.#pending.push(event);
    }
    const openJson = placed.map((one) => one.openJson);
    this.#lastWrite = this.#writer.write(openJson, this.#tail.head, this.#tail);
    return this.#lastWrite;
  }

  /** Resolves when what is queued now is durable; rejects when it is thrown away. */
  settled(): Promise<void> {
    return this.isQuiet ? Promise.resolve() : this.#lastWrite;
  }

  pendingAfter(seq: number): SessionEvent[] {
    return this.#pending.filter((event) => event.seq > seq);
  }

  async *read(options: { after: number; limit: number; backwards: boolean }): AsyncGenerator<SessionEvent> {
    if (options.limit <= 0 || options.after >= this.#durable.head) return;
    if (this.legacy) {
      const events = (await this.#readLegacy()).filter((event) => event.seq > options.after);
      yield* (options.backwards ? events.reverse() : events).slice(0, options.limit);
      return;
    }
    const log = this.#readable();
    if (options.backwards) yield* readBackwards(log, options);
    else yield* readForward(log, { ...options, ...this.#writeStarts.around(options.after + 1, log.end) });
  }

  /** The event with this `seq`, durable or not yet. */
  async event(seq: number): Promise<SessionEvent | undefined> {
    const pending = this.#pending.find((event) => event.seq === seq);
    if (pending) return pending;
    for await (const event of this.read({ after: seq - 1, limit: 1, backwards: false }))
      return event.seq === seq ? event : undefined;
    return undefined;
  }

  meets(snapshot: SnapshotFile): Promise<boolean> {
    return meetsLog(this.#file, snapshot, { size: this.size, seed: this.#options.seed });
  }

  /** The log's bytes up to the last durable event. */
  async *bytes(): AsyncGenerator<Uint8Array> {
    const end = this.size;
    for (let offset = 0; offset < end;) {
      const chunk = await this.#file.read(offset, Math.min(chunkBytes, end - offset));
      if (chunk.length === 0) return;
      offset += chunk.length;
      yield chunk;
    }
  }

  /** Writes the snapshot once everything it covers is synced. `null`: what it covers is not in the log. */
  saveSnapshot(
    snapshot: Snapshot,
    facts: { wakeAt: number | "now" | null; nowMs: number },
  ): Promise<SnapshotFile | null> {
    const saving = this.#queue.then(() => this.#save(snapshot, facts));
    this.#queue = saving.catch(toldToTheCaller);
    return saving;
  }

  /** Everything queued is written, synced and done with; the descriptor is closed. */
  async close(): Promise<void> {
    await this.#queue;
    await this.#writer.idle();
    await this.#options.descriptors.close(this.paths.log);
  }

  async #save(
    snapshot: Snapshot,
    facts: { wakeAt: number | "now" | null; nowMs: number },
  ): Promise<SnapshotFile | null> {
    if (snapshot.seq > this.#durable.head) await this.settled().catch(toldToTheCaller);
    if (snapshot.seq > this.#durable.head || snapshot.seq < 1 || this.problem) return null;
    const { descriptors, seed } = this.#options;
    if (this.#options.durability === "flushed") {
      const sync = (file: FileHandle) => this.#writer.sync(file);
      await descriptors.with(this.paths.log, sync, sync);
    }
    const durable = this.#durable;
    const line = snapshot.seq === this.#lastLine.seq ? this.#lastLine : await this.#lineOf(snapshot.seq);
    if (!line) return null;
    const file: SnapshotFile = {
      format: 1,
      version: snapshot.version,
      seq: snapshot.seq,
      line_offset: line.offset,
      line_end: line.end,
      line_crc: line.crc,
      context_seq: snapshot.contextSeq,
      context_offset: await this.#contextOffset(snapshot.contextSeq, line),
      legacy: this.legacy,
      ended: durable.ended,
      epoch: durable.epoch,
      outcome_seq: durable.outcomeSeq,
      wake_at: facts.wakeAt,
      keys: this.keys.kept(facts.nowMs).filter(([, seq]) => seq <= snapshot.seq),
      state: snapshot.state,
    };
    await this.#fs.replace(this.paths.snapshot, snapshotBytes(file, seed), { sync: false });
    return file;
  }

  async #contextOffset(contextSeq: number, last: LastLine): Promise<number> {
    if (this.legacy) return 0;
    if (contextSeq > last.seq) return last.end;
    return locateSeq(this.#file, contextSeq, this.#writeStarts.around(contextSeq, last.end));
  }

  async #lineOf(seq: number): Promise<LastLine | null> {
    const end = this.size;
    const range = this.legacy ? { low: 0, high: end } : this.#writeStarts.around(seq, end);
    const offset = await locateSeq(this.#file, seq, range);
    for await (const lines of readLines(this.#file, offset, end)) {
      const [line] = lines;
      const checked = line && checkLine(line.bytes, this.#options.seed);
      return line && checked?.kind === "readable" ? { seq, offset, end: line.end, crc: checked.crc } : null;
    }
    return null;
  }

  async #readLegacy(): Promise<SessionEvent[]> {
    return readLegacy(this.#readable(), (firstSeq) => toldBefore(this.#options, firstSeq));
  }

  #readable(): ReadableLog {
    return { path: this.paths.log, sessionId: this.id, seed: this.#options.seed, file: this.#file, end: this.size };
  }

  #becameDurable(facts: LogFacts, last: LastLine): void {
    this.#writeStarts.note(this.#durable.head + 1, this.#lastLine.end);
    this.#durable = facts;
    this.#lastLine = last;
    this.#pending = this.#pending.filter((event) => event.seq > facts.head);
    this.#options.onDurable(facts.head);
  }

  #throwTailAway(): void {
    this.#tail = this.#durable;
    this.#pending = [];
    this.keys.forgetAfter(this.#durable.head);
  }
}

function toldToTheCaller(): void {
  // Whoever asked holds the promise that carries this error.
}
