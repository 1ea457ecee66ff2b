import assert from "node:assert/strict";
import { basename, dirname } from "node:path";

import type { FileHandle, FileSystem } from "../../src/ports/file-system.ts";

type Change = { kind: "write"; offset: number; bytes: Buffer } | { kind: "truncate"; length: number };
/** A file: what programs see (`cached`), what a power cut leaves for sure (`synced`), and the changes between the two. */
type File = { kind: "file"; cached: Buffer; synced: Buffer; changes: Change[] };
type Folder = { kind: "folder"; cached: Map<string, Entry>; synced: Map<string, Entry>; changes: FolderChange[] };
type Entry = File | Folder;
/** Names that change together: a rename is one. */
type FolderChange = { name: string; entry: Entry | null }[];

const sectorBytes = 512;

/**
 * A disk with a page cache. `powerCut` loses, keeps or cuts off every write that was not synced, and loses the newest of
 * the renames, creations and removals that were not synced. `stopAfter` ends the process at an operation: from then on
 * nothing answers.
 */
export class SimulatedDisk implements FileSystem {
  readonly #root: Folder = newFolder();
  #generation = 0;
  #left = Number.POSITIVE_INFINITY;
  #die: () => void = () => undefined;
  /** Resolves when `stopAfter` has come true. */
  died: Promise<void> = new Promise(() => undefined);

  /** What one process sees of the disk: nothing answers it any more once it has died. */
  mount(): FileSystem {
    const generation = this.#generation;
    const alive =
      <Arguments extends unknown[], Result>(run: (...given: Arguments) => Promise<Result>) =>
      async (...given: Arguments): Promise<Result> => {
        await this.#alive(generation);
        try {
          return await run.apply(this, given);
        } finally {
          await this.#alive(generation);
        }
      };
    return {
      open: alive(this.open),
      readFile: alive(this.readFile),
      replace: alive(this.replace),
      rename: alive(this.rename),
      makeFolder: alive(this.makeFolder),
      syncFolder: alive(this.syncFolder),
      list: alive(this.list),
      size: alive(this.size),
      remove: alive(this.remove),
    };
  }

  /** The process dies at the operation after this many. */
  stopAfter(operations: number): void {
    this.#left = operations;
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  /** `random` in [0, 1). Open descriptors die; what is there afterwards is synced. */
  powerCut(random: () => number): void {
    this.#restart();
    settleFolder(this.#root, random);
  }

  /** The process dies, the machine does not: what was written stays in the page cache. */
  kill(): void {
    this.#restart();
  }

  /** Changes a file behind every program's back. */
  tamper(path: string, change: (bytes: Buffer) => Buffer): void {
    const file = this.#file(path);
    file.cached = change(Buffer.from(file.cached));
    file.synced = Buffer.from(file.cached);
    file.changes = [];
  }

  peek(path: string): Buffer | null {
    const entry = this.#find(path);
    return entry?.kind === "file" ? Buffer.from(entry.cached) : null;
  }

  async open(path: string, mode: "read" | "append" | "create"): Promise<FileHandle> {
    await this.#operation();
    const folder = this.#folder(dirname(path));
    const existing = folder.cached.get(basename(path));
    if (mode === "create") {
      if (existing) throw failure("EEXIST", path);
      const file: File = { kind: "file", cached: Buffer.alloc(0), synced: Buffer.alloc(0), changes: [] };
      change(folder, [{ name: basename(path), entry: file }]);
      return this.#handle(path, file);
    }
    if (existing?.kind !== "file") throw failure("ENOENT", path);
    return this.#handle(path, existing);
  }

  async readFile(path: string): Promise<Uint8Array> {
    await this.#operation();
    return Buffer.from(this.#file(path).cached);
  }

  async replace(path: string, bytes: Uint8Array, { sync }: { sync: boolean }): Promise<void> {
    await this.#operation();
    const folder = this.#folder(dirname(path));
    const file: File = { kind: "file", cached: Buffer.alloc(0), synced: Buffer.alloc(0), changes: [] };
    write(file, bytes, 0);
    if (sync) {
      await this.#operation();
      syncFile(file);
    }
    await this.#operation();
    change(folder, [{ name: basename(path), entry: file }]);
    if (sync) await this.syncFolder(dirname(path));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#operation();
    const [source, target] = [this.#folder(dirname(from)), this.#folder(dirname(to))];
    const entry = source.cached.get(basename(from));
    if (!entry) throw failure("ENOENT", from);
    if (source === target)
      change(source, [
        { name: basename(from), entry: null },
        { name: basename(to), entry },
      ]);
    else {
      change(source, [{ name: basename(from), entry: null }]);
      change(target, [{ name: basename(to), entry }]);
    }
  }

  async makeFolder(path: string): Promise<void> {
    await this.#operation();
    let folder = this.#root;
    for (const name of names(path)) {
      let next = folder.cached.get(name);
      if (!next) {
        next = newFolder();
        change(folder, [{ name, entry: next }]);
      }
      assert.ok(next.kind === "folder");
      folder = next;
    }
  }

  async syncFolder(path: string): Promise<void> {
    await this.#operation();
    const folder = this.#folder(path);
    folder.synced = new Map(folder.cached);
    folder.changes = [];
  }

  async list(path: string): Promise<string[]> {
    await this.#operation();
    return [...this.#folder(path).cached.keys()];
  }

  async size(path: string): Promise<number | null> {
    await this.#operation();
    const entry = this.#find(path);
    return entry?.kind === "file" ? entry.cached.length : entry ? 0 : null;
  }

  async remove(path: string): Promise<void> {
    await this.#operation();
    if (this.#find(path)) change(this.#folder(dirname(path)), [{ name: basename(path), entry: null }]);
  }

  #handle(path: string, file: File): FileHandle {
    const generation = this.#generation;
    const enter = async () => {
      await this.#alive(generation);
      await this.#operation();
    };
    return {
      path,
      size: async () => (await enter(), file.cached.length),
      read: async (offset, length) => (await enter(), Buffer.from(file.cached.subarray(offset, offset + length))),
      write: async (bytes, offset) => (await enter(), write(file, bytes, offset)),
      truncate: async (length) => (await enter(), truncate(file, length)),
      sync: async () => (await enter(), syncFile(file)),
      close: async () => enter(),
    };
  }

  async #operation(): Promise<void> {
    if (this.#left <= 0) {
      this.#die();
      await new Promise(() => undefined);
    }
    this.#left -= 1;
    const generation = this.#generation;
    await Promise.resolve();
    await this.#alive(generation);
  }

  // What a dead process does goes no further.
  async #alive(generation: number): Promise<void> {
    if (generation !== this.#generation) await new Promise(() => undefined);
  }

  #restart(): void {
    this.#generation += 1;
    this.#left = Number.POSITIVE_INFINITY;
  }

  #find(path: string): Entry | undefined {
    let entry: Entry | undefined = this.#root;
    for (const name of names(path)) entry = entry?.kind === "folder" ? entry.cached.get(name) : undefined;
    return entry;
  }

  #folder(path: string): Folder {
    const entry = this.#find(path);
    if (entry?.kind !== "folder") throw failure("ENOENT", path);
    return entry;
  }

  #file(path: string): File {
    const entry = this.#find(path);
    if (entry?.kind !== "file") throw failure("ENOENT", path);
    return entry;
  }
}

function newFolder(): Folder {
  return { kind: "folder", cached: new Map(), synced: new Map(), changes: [] };
}

function names(path: string): string[] {
  return path.split("/").filter((name) => name !== "");
}

function failure(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}

function change(folder: Folder, entries: FolderChange): void {
  folder.changes.push(entries);
  applyEntries(folder.cached, entries);
}

function applyEntries(map: Map<string, Entry>, entries: FolderChange): void {
  for (const { name, entry } of entries) {
    if (entry) map.set(name, entry);
    else map.delete(name);
  }
}

function write(file: File, bytes: Uint8Array, offset: number): number {
  const copy = Buffer.from(bytes);
  file.cached = overlay(file.cached, copy, offset);
  file.changes.push({ kind: "write", offset, bytes: copy });
  return copy.length;
}

function truncate(file: File, length: number): void {
  file.cached = resized(file.cached, length);
  file.changes.push({ kind: "truncate", length });
}

function syncFile(file: File): void {
  file.synced = Buffer.from(file.cached);
  file.changes = [];
}

function overlay(under: Buffer, bytes: Buffer, offset: number): Buffer {
  const result = Buffer.alloc(Math.max(under.length, offset + bytes.length));
  under.copy(result);
  bytes.copy(result, offset);
  return result;
}

function resized(bytes: Buffer, length: number): Buffer {
  return length <= bytes.length
    ? bytes.subarray(0, length)
    : Buffer.concat([bytes, Buffer.alloc(length - bytes.length)]);
}

function settleFolder(folder: Folder, random: () => number): void {
  const survivors = Math.floor(random() * (folder.changes.length + 1));
  for (const entries of folder.changes.slice(0, survivors)) applyEntries(folder.synced, entries);
  folder.cached = new Map(folder.synced);
  folder.changes = [];
  for (const entry of folder.cached.values()) {
    if (entry.kind === "folder") settleFolder(entry, random);
    else settleFile(entry, random);
  }
}

function settleFile(file: File, random: () => number): void {
  for (const one of file.changes) {
    const fate = random();
    if (fate < 1 / 3) continue;
    if (one.kind === "truncate") file.synced = resized(file.synced, one.length);
    else if (fate < 2 / 3) file.synced = overlay(file.synced, one.bytes, one.offset);
    else file.synced = tornWrite(file.synced, one, random);
  }
  file.cached = Buffer.from(file.synced);
  file.changes = [];
}

// Some of its sectors arrive: a front, an end, or any; what lies between is zero where the file has grown.
function tornWrite(under: Buffer, { bytes, offset }: { bytes: Buffer; offset: number }, random: () => number): Buffer {
  if (random() < 0.5) return overlay(under, bytes.subarray(0, Math.floor(random() * bytes.length)), offset);
  let result = under;
  for (let from = 0; from < bytes.length;) {
    const to = Math.min(bytes.length, from + sectorBytes - ((offset + from) % sectorBytes));
    if (random() < 0.5) result = overlay(result, bytes.subarray(from, to), offset + from);
    from = to;
  }
  return result;
}
