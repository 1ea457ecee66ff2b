import { randomBytes } from "node:crypto";
import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  ftruncate,
  open as openFile,
  openSync,
  read,
  readSync,
  statSync,
  write,
  writeSync,
} from "node:fs";
import { mkdir, open as openHandle, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";

import type { FileHandle, FileSystem } from "../../ports/file-system.ts";
import { isMissing } from "../error-code.ts";

/**
 * Up to here a write goes to the page cache at once: microseconds, where a trip through the thread pool costs a fifth of a
 * durable append. More could keep the event loop waiting.
 */
const smallWriteBytes = 64 * 1024;
const fileMode = 0o600;
const folderMode = 0o700;

const flags = {
  read: constants.O_RDONLY,
  // Not O_APPEND: the last write of a log is written again in place when the log is opened.
  append: constants.O_RDWR | constants.O_NOFOLLOW,
  create: constants.O_RDWR | constants.O_NOFOLLOW | constants.O_CREAT | constants.O_EXCL,
} as const;

// The callback interface costs about half of what a FileHandle of node:fs/promises costs per call,
// which shows when every acknowledged event is one write and one sync.
const readDescriptor = promisify(read);
const writeDescriptor = promisify(write);

function settle(run: (done: (error: NodeJS.ErrnoException | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    run((error) => (error ? reject(error) : resolve()));
  });
}

class NodeFile implements FileHandle {
  readonly path: string;
  readonly #descriptor: number;

  constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  // Synchronous on purpose: the inode of an open file is in memory, so this takes a microsecond, a trip through the thread pool fifty.
  async size(): Promise<number> {
    return fstatSync(this.#descriptor).size;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await readDescriptor(this.#descriptor, buffer, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  }

  async write(bytes: Uint8Array, offset: number): Promise<number> {
    // libuv goes on after a short write by itself and tells the sum. What arrived is read back: a microsecond, beside a
    // sync that takes a hundred.
    if (bytes.length <= smallWriteBytes) {
      const written = writeSync(this.#descriptor, bytes, 0, bytes.length, offset);
      const there = Buffer.allocUnsafe(written);
      return equalBytes(bytes, there.subarray(0, readSync(this.#descriptor, there, 0, written, offset)));
    }
    const { bytesWritten } = await writeDescriptor(this.#descriptor, bytes, 0, bytes.length, offset);
    return equalBytes(bytes, await this.read(offset, bytesWritten));
  }

  truncate(length: number): Promise<void> {
    return settle((done) => ftruncate(this.#descriptor, length, done));
  }

  sync(): Promise<void> {
    return settle((done) => fdatasync(this.#descriptor, done));
  }

  async close(): Promise<void> {
    closeSync(this.#descriptor);
  }
}

/** How many bytes at the beginning are those that were meant to be there. */
function equalBytes(meant: Uint8Array, there: Uint8Array): number {
  if (Buffer.compare(meant, there) === 0) return meant.length;
  const differs = there.findIndex((byte, index) => byte !== meant[index]);
  return differs < 0 ? there.length : differs;
}

/** The disk. Files are made 0600, folders 0700; no file is written to through a symbolic link. */
export const nodeFileSystem: FileSystem = {
  open(path, mode) {
    return new Promise((resolve, reject) => {
      openFile(path, flags[mode], fileMode, (error, descriptor) =>
        error ? reject(error) : resolve(new NodeFile(path, descriptor)),
      );
    });
  },

  // One trip through the thread pool instead of four: thousands of snapshots are read at a start.
  async readFile(path) {
    const file = new NodeFile(path, openSync(path, flags.read));
    try {
      return await file.read(0, await file.size());
    } finally {
      await file.close();
    }
  },

  async replace(path, bytes, { sync }) {
    // Random, and not counted: a process before this one may have had the same pid, and left its files.
    const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
    try {
      await using file = await openHandle(temporary, "wx", fileMode);
      await file.writeFile(bytes);
      if (sync) await file.datasync();
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await rename(temporary, path);
    if (sync) await nodeFileSystem.syncFolder(dirname(path));
  },

  rename: (from, to) => rename(from, to),

  async makeFolder(path) {
    await mkdir(path, { recursive: true, mode: folderMode });
  },

  async syncFolder(path) {
    await using folder = await openHandle(path, constants.O_RDONLY | constants.O_DIRECTORY);
    await folder.sync();
  },

  list: (path) => readdir(path),

  async size(path) {
    try {
      return statSync(path, { throwIfNoEntry: false })?.size ?? null;
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  },

  async remove(path) {
    await rm(path, { recursive: true, force: true });
  },
};
