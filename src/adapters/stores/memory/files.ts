import type { FileSystem } from "../../../ports/file-system.ts";
import type { MemoryEntry, MemoryQuery, MemoryStore, NewMemory } from "../../../ports/memory-store.ts";
import { DuragentError } from "../../../schema/problem.ts";
import { storageError } from "../storage-error.ts";
import { parseDay, withEntry, type DayKind } from "./day-file.ts";
import { editFile } from "./edit-file.ts";
import { readKept, writeKept } from "./kept-file.ts";
import { keyMark } from "./marker.ts";
import { fileBytesMax, MemoryFolder } from "./memory-folder.ts";
import { bytesOf, contentOf, entryBytesMax, keptBytesMax, topicName } from "./memory-text.ts";
import { RustMemory } from "./rust-memory.ts";
import { tarOf, type TarFile } from "./tar.ts";

/** For so long a repeated entry is known by its key, also when midnight has passed in between. */
const keyDays = 7;
const dayMs = 86_400_000;
const waitingMax = 1_000;
/** Of one answer: what does not fit is left out, as what is beyond the limit. */
const answerBytesMax = 4 * 1024 * 1024;
/** Each of them is looked at when an agent recalls the world. */
const topicsMax = 1_000;

export type FileMemoryPlace = {
  /** Absolute. */
  folder: string;
  fs: FileSystem;
  /** The agent's own folder, where Duragent 0.5 kept its memory. */
  agentHome?(agent: string): Promise<string | undefined>;
  /** Takes known secrets out of what is stored and of what is read. */
  redact?(text: string): string;
};

/** Memory as Markdown: a file a day that all agents share, MEMORY.md for each agent, a file a topic of the world. */
export class FileMemoryStore implements MemoryStore {
  readonly #place: FileMemoryPlace;
  readonly #fs: FileSystem;
  readonly #folder: MemoryFolder;
  /** One change at a time: files are shared by agents, and a key may have been used on another day. */
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(place: FileMemoryPlace) {
    this.#place = place;
    this.#fs = place.fs;
    this.#folder = new MemoryFolder(place.fs, place.folder);
  }

  async put(agent: string, entry: NewMemory): Promise<void> {
    assertAgent(agent);
    const { kind } = entry;
    const isKept = kind === "memory" || kind === "world";
    const content = contentOf(this.#redacted(entry.content), isKept ? keptBytesMax : entryBytesMax);
    const mark = entry.idempotencyKey === undefined ? undefined : keyMark(agent, entry.idempotencyKey);
    if (kind === "memory") return this.#inTurn(() => this.#keep(this.#folder.memoryPath(agent), content, mark));
    if (kind === "world") {
      const topic = topicName(entry.topic);
      return this.#inTurn(async () => {
        const topics = await this.#folder.topics();
        if (topics.length >= topicsMax && !topics.includes(topic))
          throw new DuragentError("bad-request", `the world has ${topicsMax} topics already: add to one of them`);
        await this.#keep(this.#folder.topicPath(topic), content, mark);
      });
    }
    const day = dayOf(entry.at);
    return this.#inTurn(() => this.#note(day, { kind, agent, content, mark }));
  }

  async query(agent: string, query: MemoryQuery): Promise<MemoryEntry[]> {
    assertAgent(agent);
    const words = (query.text ?? "")
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "");
    const found: MemoryEntry[] = [];
    let bytes = 0;
    try {
      for await (const entry of this.#folder.entries(agent, query, await this.#rust(agent))) {
        if (found.length >= query.limit) break;
        const seen = { ...entry, content: this.#redacted(entry.content) };
        const text = `${seen.topic ?? ""}\n${seen.content}`.toLowerCase();
        if (!words.every((word) => text.includes(word))) continue;
        bytes += Buffer.byteLength(seen.content);
        if (bytes > answerBytesMax && found.length > 0) break;
        found.push(seen);
      }
    } catch (error) {
      throw storageError("memory can not be read", error);
    }
    return found;
  }

  export(agent: string): AsyncIterable<Uint8Array> {
    assertAgent(agent);
    return tarOf(this.#files(agent));
  }

  async #keep(path: string, content: string, mark: string | undefined): Promise<void> {
    await editFile(this.#fs, path, (bytes) => {
      const before = readKept(Buffer.from(bytes).toString());
      if (mark !== undefined && before.marks.includes(mark)) return null;
      return Buffer.from(writeKept(content, before, mark));
    });
  }

  async #note(
    day: string,
    { mark, content, ...entry }: { kind: DayKind; agent: string; content: string; mark: string | undefined },
  ): Promise<void> {
    if (mark !== undefined && (await this.#isNoted(mark, day))) return;
    await editFile(this.#fs, this.#folder.dayPath(day), (bytes) => {
      const before = Buffer.from(bytes).toString("latin1");
      if (mark !== undefined && hasMark(before, mark)) return null;
      const marks = mark === undefined ? [] : [mark];
      const after = withEntry(before, day, { ...entry, content: bytesOf(content), marks });
      if (after.length > fileBytesMax)
        throw new DuragentError("bad-request", `the memory of ${day} is full: at most ${fileBytesMax} bytes a day`);
      return Buffer.from(after, "latin1");
    });
  }

  async #isNoted(mark: string, day: string): Promise<boolean> {
    const since = dayOf(Date.parse(day) - keyDays * dayMs);
    for (const other of await this.#folder.days()) {
      if (other === day || other < since) continue;
      if (hasMark(await this.#folder.day(other), mark)) return true;
    }
    return false;
  }

  async #rust(agent: string): Promise<RustMemory | undefined> {
    const home = await this.#place.agentHome?.(agent);
    return home === undefined || home === "" ? undefined : new RustMemory(home);
  }

  async *#files(agent: string): AsyncIterable<TarFile> {
    for await (const { name, bytes } of this.#folder.files(agent, await this.#rust(agent)))
      yield { name, bytes: Buffer.from(this.#redacted(Buffer.from(bytes).toString())) };
  }

  #redacted(text: string): string {
    return this.#place.redact?.(text) ?? text;
  }

  async #inTurn(change: () => Promise<void>): Promise<void> {
    if (this.#waiting >= waitingMax)
      throw new DuragentError("overloaded", "too many changes of memory wait; try again", { retryAfterMs: 1_000 });
    this.#waiting += 1;
    const done = this.#last.then(change).finally(() => {
      this.#waiting -= 1;
    });
    this.#last = done.catch(() => undefined);
    try {
      await done;
    } catch (error) {
      throw storageError("memory can not be written", error);
    }
  }
}

const hasMark = (file: string, mark: string): boolean =>
  parseDay(file).some((entry) => entry.marks?.includes(mark) ?? false);

function dayOf(at: number): string {
  if (!Number.isFinite(at) || at < 0 || at >= Date.parse("9999-12-31"))
    throw new DuragentError("bad-request", "at is no time in ms since 1970");
  return new Date(at).toISOString().slice(0, 10);
}

function assertAgent(agent: string): void {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(agent))
    throw new DuragentError("bad-request", `${JSON.stringify(agent.slice(0, 80))} is no agent's name`);
}
