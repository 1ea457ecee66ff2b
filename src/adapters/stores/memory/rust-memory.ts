import { join } from "node:path";

import type { FileSystem } from "../../../ports/file-system.ts";
import { isMissing } from "../storage-error.ts";
import { readIfThere } from "./edit-file.ts";
import { trimmed } from "./memory-text.ts";

/**
 * What Duragent 0.5 (Rust) kept in an agent's own folder, which is only read: memory/MEMORY.md, and memory/daily/DATE.md
 * with an entry below each `## HH:MM`.
 */
export class RustMemory {
  readonly #fs: FileSystem;
  readonly #folder: string;

  constructor(fs: FileSystem, agentFolder: string) {
    this.#fs = fs;
    this.#folder = join(agentFolder, "memory");
  }

  kept(): Promise<Uint8Array | null> {
    return readIfThere(this.#fs, join(this.#folder, "MEMORY.md"));
  }

  /** YYYY-MM-DD each. */
  async days(): Promise<string[]> {
    try {
      const names = await this.#fs.list(join(this.#folder, "daily"));
      return names.flatMap((name) => /^(\d{4}-\d{2}-\d{2})\.md$/.exec(name)?.[1] ?? []);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  day(day: string): Promise<Uint8Array | null> {
    return readIfThere(this.#fs, join(this.#folder, "daily", `${day}.md`));
  }

  /** Oldest first. */
  async entries(day: string): Promise<string[]> {
    const file = await this.day(day);
    if (file === null) return [];
    const text = new TextDecoder().decode(file).replace(/^# \d{4}-\d{2}-\d{2}[ \t\r]*\n/, "");
    return text
      .split(/^## \d{2}:\d{2}[ \t\r]*$/m)
      .map(trimmed)
      .filter((entry) => entry !== "");
  }
}
