import { open, readdir, realpath } from "node:fs/promises";
import { constants } from "node:fs";
import { join, sep } from "node:path";

import { errorCode, isMissing } from "../../error-code.ts";
import { trimmed } from "./memory-text.ts";

/** Longer files are read up to here. */
const fileBytesMax = 4 * 1024 * 1024;

/**
 * What Duragent 0.5 (Rust) kept in an agent's own folder, which is only read: memory/MEMORY.md, and memory/daily/DATE.md
 * with an entry below each `## HH:MM`. The folder may have come from anywhere: no link leads out of it.
 */
export class RustMemory {
  readonly #home: string;

  constructor(agentFolder: string) {
    this.#home = agentFolder;
  }

  kept(): Promise<Uint8Array | null> {
    return this.#read("memory/MEMORY.md");
  }

  /** YYYY-MM-DD each. */
  async days(): Promise<string[]> {
    const folder = await this.#inside("memory/daily");
    if (folder === null) return [];
    try {
      const names = await readdir(folder);
      return names.flatMap((name) => /^(\d{4}-\d{2}-\d{2})\.md$/.exec(name)?.[1] ?? []);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  day(day: string): Promise<Uint8Array | null> {
    return this.#read(`memory/daily/${day}.md`);
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

  async #read(path: string): Promise<Uint8Array | null> {
    const target = await this.#inside(path);
    if (target === null) return null;
    // What has become a link or a pipe since is neither followed nor waited for.
    await using file = await open(target, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!(await file.stat()).isFile()) return null;
    const buffer = Buffer.alloc(Math.min(fileBytesMax, (await file.stat()).size));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return buffer.subarray(0, bytesRead);
  }

  /** Where a path of the folder really lies; `null` where nothing is, and for what lies outside. */
  async #inside(path: string): Promise<string | null> {
    try {
      const home = await realpath(this.#home);
      const target = await realpath(join(home, path));
      return target.startsWith(home + sep) ? target : null;
    } catch (error) {
      if (isMissing(error) || errorCode(error) === "ELOOP") return null;
      throw error;
    }
  }
}
