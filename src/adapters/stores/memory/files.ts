import { join } from "node:path";

import type { FileSystem } from "../../../ports/file-system.ts";
import type { MemoryEntry, MemoryQuery, MemoryStore, NewMemory } from "../../../ports/memory-store.ts";
import { DuragentError } from "../../../schema/problem.ts";
import { isMissing, storageError } from "../storage-error.ts";
import { parseDay, withEntry, type DayKind } from "./day-file.ts";
import { entriesSeenBy, fileSeenBy } from "./day-view.ts";
import { editFile, readIfThere } from "./edit-file.ts";
import { readKept, writeKept } from "./kept-file.ts";
import { keyMark } from "./marker.ts";
import { bytesOf, contentOf, entryBytesMax, keptBytesMax, textOf, topicName } from "./memory-text.ts";
import { RustMemory } from "./rust-memory.ts";
import { tarOf, type TarFile } from "./tar.ts";

/** Of one file; what stands there by hand may be longer and is then read up to here, and not added to. */
const fileBytesMax = 4 * 1024 * 1024;
/** For so long a repeated entry is known by its key, also when midnight has passed in between. */
const keyDays = 7;
const dayMs = 86_400_000;
const waitingMax = 1_000;

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
  /** One change at a time: files are shared by agents, and a key may have been used on another day. */
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(place: FileMemoryPlace) {
    this.#place = place;
    this.#fs = place.fs;
  }

  async put(agent: string, entry: NewMemory): Promise<void> {
    assertAgent(agent);
    const { kind } = entry;
    const isKept = kind === "memory" || kind === "world";
    const content = contentOf(this.#redacted(entry.content), isKept ? keptBytesMax : entryBytesMax);
    const mark = entry.idempotencyKey === undefined ? undefined : keyMark(agent, entry.idempotencyKey);
    if (kind === "memory") return this.#inTurn(() => this.#keep(this.#memoryPath(agent), content, mark));
    if (kind === "world") {
      const path = join(this.#place.folder, "world", `${topicName(entry.topic)}.md`);
      return this.#inTurn(() => this.#keep(path, content, mark));
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
    try {
      for await (const entry of this.#entries(agent, query)) {
        if (found.length >= query.limit) break;
        const seen = { ...entry, content: this.#redacted(entry.content) };
        const text = `${seen.topic ?? ""}\n${seen.content}`.toLowerCase();
        if (words.every((word) => text.includes(word))) found.push(seen);
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
    await editFile(this.#fs, this.#dayPath(day), (bytes) => {
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
    for (const other of await this.#days()) {
      if (other === day || other < since) continue;
      if (hasMark(await this.#dayFile(other), mark)) return true;
    }
    return false;
  }

  async *#entries(agent: string, { kinds, since }: MemoryQuery): AsyncIterable<MemoryEntry> {
    const wants = (kind: MemoryEntry["kind"]): boolean => kinds?.includes(kind) ?? true;
    const rust = await this.#rust(agent);
    if (wants("memory")) {
      const content = await this.#kept(this.#memoryPath(agent), rust);
      if (content !== "") yield { kind: "memory", content, agent };
    }
    if (wants("world"))
      for (const topic of await this.#topics()) {
        const content = await this.#kept(join(this.#place.folder, "world", `${topic}.md`));
        if (content !== "") yield { kind: "world", content, topic };
      }
    if (!(["decision", "preference", "fact", "note"] as const).some(wants)) return;
    const agents = new Set(await this.#list("agents"));
    const days = new Set([...(await this.#days()), ...((await rust?.days()) ?? [])]);
    for (const day of [...days].toSorted().toReversed()) {
      if (since !== undefined && day < since) return;
      const entries = entriesSeenBy(agent, await this.#dayFile(day), agents).toReversed();
      for (const { kind, content, agent: owner } of entries)
        if (wants(kind))
          yield { kind, content: textOf(content), day, ...(owner === undefined ? {} : { agent: owner }) };
      if (wants("note"))
        for (const content of ((await rust?.entries(day)) ?? []).toReversed())
          yield { kind: "note", content, day, agent };
    }
  }

  async *#files(agent: string): AsyncIterable<TarFile> {
    const rust = await this.#rust(agent);
    const text = (bytes: Uint8Array): Uint8Array => Buffer.from(this.#redacted(Buffer.from(bytes).toString()));
    const kept = (await readIfThere(this.#fs, this.#memoryPath(agent))) ?? (await rust?.kept()) ?? null;
    if (kept) yield { name: `agents/${agent}/MEMORY.md`, bytes: text(kept) };
    for (const topic of await this.#topics()) {
      const bytes = await readIfThere(this.#fs, join(this.#place.folder, "world", `${topic}.md`));
      if (bytes) yield { name: `world/${topic}.md`, bytes: text(bytes) };
    }
    const agents = new Set(await this.#list("agents"));
    for (const day of await this.#days()) {
      const seen = fileSeenBy(agent, await this.#dayFile(day), agents);
      yield { name: `${day}.md`, bytes: text(Buffer.from(seen, "latin1")) };
    }
    for (const day of (await rust?.days()) ?? []) {
      const bytes = await rust?.day(day);
      if (bytes) yield { name: `agents/${agent}/daily/${day}.md`, bytes: text(bytes) };
    }
  }

  /** What MEMORY.md or a topic says; what Duragent 0.5 kept stands for it until it is written. */
  async #kept(path: string, older?: RustMemory): Promise<string> {
    const bytes = (await readIfThere(this.#fs, path)) ?? (await older?.kept()) ?? new Uint8Array();
    return readKept(Buffer.from(bytes.subarray(0, fileBytesMax)).toString()).content;
  }

  /** One character a byte. */
  async #dayFile(day: string): Promise<string> {
    const bytes = (await readIfThere(this.#fs, this.#dayPath(day))) ?? new Uint8Array();
    return Buffer.from(bytes.subarray(0, fileBytesMax)).toString("latin1");
  }

  async #days(): Promise<string[]> {
    const names = await this.#list("");
    return names.flatMap((name) => /^(\d{4}-\d{2}-\d{2})\.md$/.exec(name)?.[1] ?? []).toSorted();
  }

  async #topics(): Promise<string[]> {
    const names = await this.#list("world");
    return names.flatMap((name) => /^([^.].*)\.md$/u.exec(name)?.[1] ?? []).toSorted();
  }

  async #list(inside: string): Promise<string[]> {
    try {
      return await this.#fs.list(join(this.#place.folder, inside));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  async #rust(agent: string): Promise<RustMemory | undefined> {
    const home = await this.#place.agentHome?.(agent);
    return home === undefined || home === "" ? undefined : new RustMemory(this.#fs, home);
  }

  #memoryPath(agent: string): string {
    return join(this.#place.folder, "agents", agent, "MEMORY.md");
  }

  #dayPath(day: string): string {
    return join(this.#place.folder, `${day}.md`);
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
