import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";

import type { FileSystem } from "../../ports/file-system.ts";
import { errorCode, isMissing } from "../error-code.ts";
import { storageError } from "./storage-error.ts";

/** Never opened by anything else in the process: a POSIX lock drops when any descriptor of its file is closed. */
export const lockFileName = "server.lock";
export const serverFileName = "server.json";

/** A holder that is just going away is waited for this long; one that lives is named within a second. */
const lockWaitMs = 500;

const holderSchema = z.object({
  pid: z.int(),
  started_at: z.string(),
  url: z.string().optional(),
  socket: z.string().optional(),
  version: z.string(),
});

/** Who holds a data directory, as `server.json` says. It proves nothing by itself: only the lock does. */
export type LockHolder = z.infer<typeof holderSchema>;

export type LockResult =
  | { kind: "acquired"; lock: DirectoryLock }
  /** `by` is null while the holder has not written server.json yet, or if it can not be read. */
  | { kind: "locked"; by: LockHolder | null };

/** One writer process per data directory: held by the kernel, so it vanishes with the process, however it dies. */
export class DirectoryLock {
  readonly #database: DatabaseSync;
  readonly #fs: FileSystem;
  readonly #serverFile: string;
  #released = false;

  private constructor(database: DatabaseSync, fs: FileSystem, serverFile: string) {
    this.#database = database;
    this.#fs = fs;
    this.#serverFile = serverFile;
  }

  /** Waits half a second at most. Throws `storage-failed` where no lock can be taken at all. */
  static async acquire(fs: FileSystem, dataFolder: string): Promise<LockResult> {
    await fs.makeFolder(dataFolder);
    const path = join(dataFolder, lockFileName);
    // Made here first, so that it gets the modes of every other file of the folder.
    await createIfMissing(fs, path);
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(path, { timeout: lockWaitMs });
    try {
      database.exec("BEGIN EXCLUSIVE");
    } catch (error) {
      database.close();
      if (!isBusy(error)) throw storageError(`cannot lock ${path}`, error);
      return { kind: "locked", by: await readHolder(fs, dataFolder) };
    }
    return { kind: "acquired", lock: new DirectoryLock(database, fs, join(dataFolder, serverFileName)) };
  }

  /** Says in `server.json` who holds the lock and where it listens. */
  async announce(holder: LockHolder): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify(holder, null, 2)}\n`);
    try {
      await this.#fs.replace(this.#serverFile, bytes, { sync: false });
    } catch (error) {
      throw storageError(`cannot write ${this.#serverFile}`, error);
    }
  }

  /** Removes `server.json`, then gives the lock back. */
  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    try {
      await this.#fs.remove(this.#serverFile);
    } finally {
      this.#database.close();
    }
  }
}

/** `null` where no readable server.json is. The process it names may be long gone. */
export async function readHolder(fs: FileSystem, dataFolder: string): Promise<LockHolder | null> {
  try {
    const text = Buffer.from(await fs.readFile(join(dataFolder, serverFileName))).toString("utf8");
    const parsed = holderSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** The words for a second server: names the process that holds the directory and what to do. */
export function lockedMessage(dataFolder: string, by: LockHolder | null): string {
  if (!by) return `another process holds ${dataFolder}; stop it first, or use another data_dir`;
  const where = by.url ?? by.socket;
  const at = where === undefined ? "" : ` at ${where}`;
  return `process ${by.pid}${at} holds ${dataFolder} since ${by.started_at}; stop it first, or use another data_dir`;
}

async function createIfMissing(fs: FileSystem, path: string): Promise<void> {
  try {
    // Only where nothing is there: opening and closing the file of a held lock would drop it in this process.
    const file = await fs.open(path, "create");
    await file.close();
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw storageError(`cannot make ${path}`, error);
  }
}

// SQLite answers 5 (SQLITE_BUSY), in its low byte, when another connection holds the lock.
function isBusy(error: unknown): boolean {
  return (
    error instanceof Error && "errcode" in error && typeof error.errcode === "number" && (error.errcode & 0xff) === 5
  );
}
