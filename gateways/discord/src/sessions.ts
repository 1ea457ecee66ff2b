import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { SessionInfo } from "@discordjs/ws";

/** How long Discord is thought to keep what happens for a connection that is away. */
const resumableMs = 120_000;
/** The connection was cut, or none came about: no word from Discord. */
const cut = 1006;
/** What is written late is heard twice after a kill, which the core notices. */
const writeAfterMs = 200;

type Stored = { readonly botId: string; readonly sessions: readonly SessionInfo[] };

/**
 * Where each shard's connection stands, to go on there: also after a cut that does not heal at once, where the library would
 * begin anew, and in `session.json` for the next run of this program, up to what the core has. Without it all is lost that is
 * said meanwhile: Discord says everything once.
 */
export class Sessions {
  readonly #botId: string;
  readonly #path: string | undefined;
  readonly #log: (message: string) => void;
  readonly #sessions = new Map<number, SessionInfo>();
  readonly #cutAtMs = new Map<number, number>();
  /** By shard: sequence numbers of events that the core does not have yet; bounded by the inbox. */
  readonly #open = new Map<number, Set<number>>();
  #timer: NodeJS.Timeout | undefined;
  /** Writes happen one after another. */
  #writing = Promise.resolve();
  #isClosing = false;

  private constructor(botId: string, folder: string | undefined, log: (message: string) => void) {
    this.#botId = botId;
    this.#path = folder === undefined ? undefined : join(folder, "session.json");
    this.#log = log;
  }

  static async open(botId: string, folder: string | undefined, log: (message: string) => void): Promise<Sessions> {
    const sessions = new Sessions(botId, folder, log);
    for (const session of await sessions.#read()) sessions.#sessions.set(session.shardId, session);
    return sessions;
  }

  readonly retrieve = (shardId: number): SessionInfo | null => this.#sessions.get(shardId) ?? null;

  readonly update = (shardId: number, session: SessionInfo | null): void => {
    // Another session counts from the start.
    if (session && session.sessionId !== this.#sessions.get(shardId)?.sessionId) this.#open.delete(shardId);
    if (session) this.#sessions.set(shardId, session);
    else if (!this.#isClosing && !this.#isAway(shardId)) this.#sessions.delete(shardId);
    this.#writeSoon();
  };

  closed(shardId: number, code: number): void {
    if (code !== cut) this.#cutAtMs.delete(shardId);
    else if (!this.#cutAtMs.has(shardId)) this.#cutAtMs.set(shardId, performance.now());
  }

  /** Discord speaks again. */
  opened(shardId: number): void {
    this.#cutAtMs.delete(shardId);
  }

  /** An event is on its way to the core; the function that is returned says that it need not be heard again. */
  begin(shardId: number, sequence: number): () => void {
    const open = this.#open.get(shardId) ?? new Set();
    this.#open.set(shardId, open.add(sequence));
    return () => {
      open.delete(sequence);
      this.#writeSoon();
    };
  }

  /** From here on nothing is forgotten: what was not handed over is heard by the next run. */
  async close(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    await this.#write();
  }

  #isAway(shardId: number): boolean {
    const cutAtMs = this.#cutAtMs.get(shardId);
    return cutAtMs !== undefined && performance.now() - cutAtMs <= resumableMs;
  }

  #writeSoon(): void {
    if (this.#path === undefined || this.#isClosing) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#write();
    }, writeAfterMs);
  }

  #write(): Promise<void> {
    this.#writing = this.#writing.then(() => this.#writeNow());
    return this.#writing;
  }

  async #writeNow(): Promise<void> {
    if (this.#path === undefined) return;
    const stored: Stored = {
      botId: this.#botId,
      sessions: [...this.#sessions.values()].map((session) => {
        const before = Math.min(...(this.#open.get(session.shardId) ?? []), session.sequence + 1) - 1;
        return { ...session, sequence: before };
      }),
    };
    try {
      await mkdir(join(this.#path, ".."), { recursive: true, mode: 0o700 });
      await writeFile(`${this.#path}.new`, JSON.stringify(stored), { mode: 0o600 });
      await rename(`${this.#path}.new`, this.#path);
    } catch (error) {
      this.#log(`where the connection stands can not be kept on disk: ${String(error)}`);
    }
  }

  async #read(): Promise<readonly SessionInfo[]> {
    if (this.#path === undefined) return [];
    try {
      const stored: unknown = JSON.parse(await readFile(this.#path, "utf8"));
      return isStored(stored) && stored.botId === this.#botId ? stored.sessions : [];
    } catch {
      // There is none, or a broken one: the connection begins anew.
      return [];
    }
  }
}

function isStored(value: unknown): value is Stored {
  return (
    typeof value === "object" &&
    value !== null &&
    "botId" in value &&
    "sessions" in value &&
    Array.isArray(value.sessions) &&
    value.sessions.every(isSession)
  );
}

function isSession(value: unknown): boolean {
  const session = new Map<string, unknown>(typeof value === "object" && value !== null ? Object.entries(value) : []);
  return (
    ["sequence", "shardId", "shardCount"].every((key) => Number.isSafeInteger(session.get(key))) &&
    ["sessionId", "resumeURL"].every((key) => typeof session.get(key) === "string")
  );
}
