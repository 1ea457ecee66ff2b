import { appendFile, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { errorText } from "@duragent/gateway-protocol";

const rememberedMax = 1_000;
/** Lines after which the file is written anew with what is still remembered. */
const linesMax = 2 * rememberedMax;

/** Threads in which the bot has spoken: an answer there is for it. The newest 1,000, on disk where there is a folder. */
export class Threads {
  readonly #file: string | undefined;
  readonly #known: Set<string>;
  readonly #log: (message: string) => void;
  #lines: number;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string | undefined, lines: readonly string[], log: (message: string) => void) {
    this.#file = file;
    this.#log = log;
    this.#known = new Set(lines.slice(-rememberedMax));
    this.#lines = lines.length;
  }

  static async open(dataDir: string | undefined, log: (message: string) => void): Promise<Threads> {
    if (dataDir === undefined) return new Threads(undefined, [], log);
    const file = join(dataDir, "threads.txt");
    return new Threads(file, await linesOf(file), log);
  }

  has(chatId: string, threadTs: string): boolean {
    return this.#known.has(`${chatId} ${threadTs}`);
  }

  /** Survives a kill when it resolves. Never rejects: where the disk refuses, people mention the bot again after a restart. */
  add(chatId: string, threadTs: string): Promise<void> {
    const line = `${chatId} ${threadTs}`;
    const isNew = !this.#known.delete(line);
    this.#known.add(line);
    const [oldest] = this.#known;
    if (this.#known.size > rememberedMax && oldest !== undefined) this.#known.delete(oldest);
    if (!isNew) return Promise.resolve();
    this.#writing = this.#writing.then(() => this.#write(line));
    return this.#writing;
  }

  async #write(line: string): Promise<void> {
    if (this.#file === undefined) return;
    try {
      this.#lines += 1;
      if (this.#lines <= linesMax) return await appendFile(this.#file, `${line}\n`, { mode: 0o600 });
      await writeFile(`${this.#file}.new`, `${[...this.#known].join("\n")}\n`, { mode: 0o600 });
      await rename(`${this.#file}.new`, this.#file);
      this.#lines = this.#known.size;
    } catch (error) {
      this.#log(`a thread can not be remembered: ${errorText(error)}`);
    }
  }
}

async function linesOf(file: string): Promise<string[]> {
  try {
    // A line that was torn by a kill has no newline and names no thread; the next one would continue it.
    const text = await readFile(file, "utf8");
    const whole = text.slice(0, text.lastIndexOf("\n") + 1);
    if (whole !== text) await writeFile(file, whole, { mode: 0o600 });
    return whole.split("\n").filter((line) => /^\S+ \S+$/.test(line));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
