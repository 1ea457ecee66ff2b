import type { FileHandle, FileSystem } from "../../src/ports/file-system.ts";

type Operation = "open" | "read" | "write" | "truncate" | "sync" | "syncFolder" | "replace" | "rename";

/** `code`: the error it fails with. `shortBytes`: as many bytes are written, and no error. */
export type Fault = { operation: Operation; path?: RegExp; code?: string; shortBytes?: number; times?: number };

/** Another file system with faults of one's choice. Counts what is asked of it. */
export class FailingDisk implements FileSystem {
  readonly #under: FileSystem;
  #faults: (Fault & { times: number })[] = [];
  #deadFrom: { step: number; code: string } | null = null;
  readonly calls: { operation: Operation; path: string }[] = [];

  constructor(under: FileSystem) {
    this.#under = under;
  }

  /** From now on, `times` times (once unless said otherwise). */
  fail(fault: Fault): void {
    this.#faults.push({ ...fault, times: fault.times ?? 1 });
  }

  /** Call number `step` (from 0) and all that come after it fail: the process is dead to the disk. */
  failFrom(step: number, code: string): void {
    this.#deadFrom = { step, code };
  }

  mend(): void {
    this.#faults = [];
    this.#deadFrom = null;
  }

  count(operation: Operation, path: RegExp): number {
    return this.calls.filter((call) => call.operation === operation && path.test(call.path)).length;
  }

  async open(path: string, mode: "read" | "append" | "create"): Promise<FileHandle> {
    this.#check("open", path);
    return this.#wrap(await this.#under.open(path, mode));
  }

  readFile(path: string): Promise<Uint8Array> {
    return this.#under.readFile(path);
  }

  async replace(path: string, bytes: Uint8Array, options: { sync: boolean }): Promise<void> {
    this.#check("replace", path);
    await this.#under.replace(path, bytes, options);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#check("rename", from);
    await this.#under.rename(from, to);
  }

  makeFolder(path: string): Promise<void> {
    return this.#under.makeFolder(path);
  }

  async syncFolder(path: string): Promise<void> {
    this.#check("syncFolder", path);
    await this.#under.syncFolder(path);
  }

  list(path: string): Promise<string[]> {
    return this.#under.list(path);
  }

  size(path: string): Promise<number | null> {
    return this.#under.size(path);
  }

  remove(path: string): Promise<void> {
    return this.#under.remove(path);
  }

  #wrap(file: FileHandle): FileHandle {
    const { path } = file;
    return {
      path,
      size: () => file.size(),
      close: () => file.close(),
      read: async (offset, length) => {
        this.#check("read", path);
        return file.read(offset, length);
      },
      write: async (bytes, offset) => {
        const short = this.#check("write", path)?.shortBytes;
        return file.write(short === undefined ? bytes : bytes.subarray(0, short), offset);
      },
      truncate: async (length) => {
        this.#check("truncate", path);
        await file.truncate(length);
      },
      sync: async () => {
        this.#check("sync", path);
        await file.sync();
      },
    };
  }

  #check(operation: Operation, path: string): Fault | undefined {
    this.calls.push({ operation, path });
    if (this.#deadFrom !== null && this.calls.length > this.#deadFrom.step)
      throw errorOf(this.#deadFrom.code, operation, path);
    const fault = this.#faults.find(
      (one) => one.times > 0 && one.operation === operation && (one.path?.test(path) ?? true),
    );
    if (!fault) return undefined;
    fault.times -= 1;
    if (fault.code !== undefined) throw errorOf(fault.code, operation, path);
    return fault;
  }
}

const errorOf = (code: string, operation: Operation, path: string): Error =>
  Object.assign(new Error(`${code}: ${operation} ${path}`), { code });
