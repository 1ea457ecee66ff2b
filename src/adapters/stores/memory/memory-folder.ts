import { join } from "node:path";

import type { FileSystem } from "../../../ports/file-system.ts";
import type { MemoryEntry, MemoryKind, MemoryQuery } from "../../../ports/memory-store.ts";
import { notedKinds } from "../../../schema/api/memory.ts";
import { isMissing } from "../../error-code.ts";
import { entriesSeenBy, fileSeenBy } from "./day-view.ts";
import { readIfThere } from "./edit-file.ts";
import { readKept } from "./kept-file.ts";
import { textOf } from "./memory-text.ts";
import type { RustMemory } from "./rust-memory.ts";
import type { TarFile } from "./tar.ts";

/** Of one file; what stands there by hand may be longer and is then read up to here, and not added to. */
export const fileBytesMax = 4 * 1024 * 1024;

/** The files of all agents' memory, as one agent sees them; changes nothing. `rust`: what that agent kept before. */
export class MemoryFolder {
  readonly #fs: FileSystem;
  readonly #folder: string;

  constructor(fs: FileSystem, folder: string) {
    this.#fs = fs;
    this.#folder = folder;
  }

  memoryPath(agent: string): string {
    return join(this.#folder, "agents", agent, "MEMORY.md");
  }

  topicPath(topic: string): string {
    return join(this.#folder, "world", `${topic}.md`);
  }

  dayPath(day: string): string {
    return join(this.#folder, `${day}.md`);
  }

  /** YYYY-MM-DD each, oldest first. */
  async days(): Promise<string[]> {
    const names = await this.#list("");
    return names.flatMap((name) => /^(\d{4}-\d{2}-\d{2})\.md$/.exec(name)?.[1] ?? []).toSorted();
  }

  /** One character a byte. */
  async day(day: string): Promise<string> {
    const bytes = (await readIfThere(this.#fs, this.dayPath(day))) ?? new Uint8Array();
    return Buffer.from(bytes.subarray(0, fileBytesMax)).toString("latin1");
  }

  /** MEMORY.md and the world first, which hold now; then what was noted, newest first. */
  async *entries(
    agent: string,
    { kinds, since }: Pick<MemoryQuery, "kinds" | "since">,
    rust: RustMemory | undefined,
  ): AsyncIterable<MemoryEntry> {
    const wants = (kind: MemoryKind): boolean => kinds?.includes(kind) ?? true;
    if (wants("memory")) {
      const content = await this.#kept(this.memoryPath(agent), rust);
      if (content !== "") yield { kind: "memory", content, agent };
    }
    if (wants("world"))
      for (const topic of await this.topics()) {
        const content = await this.#kept(this.topicPath(topic));
        if (content !== "") yield { kind: "world", content, topic };
      }
    if (!notedKinds.some(wants)) return;
    const agents = new Set(await this.#list("agents"));
    const days = new Set([...(await this.days()), ...((await rust?.days()) ?? [])]);
    for (const day of [...days].toSorted().toReversed()) {
      if (since !== undefined && day < since) return;
      const entries = entriesSeenBy(agent, await this.day(day), agents).toReversed();
      for (const { kind, content, agent: owner } of entries)
        if (wants(kind))
          yield { kind, content: textOf(content), day, ...(owner === undefined ? {} : { agent: owner }) };
      if (wants("note"))
        for (const content of ((await rust?.entries(day)) ?? []).toReversed())
          yield { kind: "note", content, day, agent };
    }
  }

  /** All that the agent sees, as it lies there. */
  async *files(agent: string, rust: RustMemory | undefined): AsyncIterable<TarFile> {
    const kept = (await readIfThere(this.#fs, this.memoryPath(agent))) ?? (await rust?.kept()) ?? null;
    if (kept) yield { name: `agents/${agent}/MEMORY.md`, bytes: kept };
    for (const topic of await this.topics()) {
      const bytes = await readIfThere(this.#fs, this.topicPath(topic));
      if (bytes) yield { name: `world/${topic}.md`, bytes };
    }
    const agents = new Set(await this.#list("agents"));
    for (const day of await this.days())
      yield { name: `${day}.md`, bytes: Buffer.from(fileSeenBy(agent, await this.day(day), agents), "latin1") };
    for (const day of (await rust?.days()) ?? []) {
      const bytes = await rust?.day(day);
      if (bytes) yield { name: `agents/${agent}/daily/${day}.md`, bytes };
    }
  }

  /** What MEMORY.md or a topic says; what Duragent 0.5 kept stands for it until it is written. */
  async #kept(path: string, older?: RustMemory): Promise<string> {
    const bytes = (await readIfThere(this.#fs, path)) ?? (await older?.kept()) ?? new Uint8Array();
    return readKept(Buffer.from(bytes.subarray(0, fileBytesMax)).toString()).content;
  }

  /** Names of their files, without `.md`. */
  async topics(): Promise<string[]> {
    const names = await this.#list("world");
    return names.flatMap((name) => /^([^.].*)\.md$/u.exec(name)?.[1] ?? []).toSorted();
  }

  async #list(inside: string): Promise<string[]> {
    try {
      return await this.#fs.list(join(this.#folder, inside));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }
}
