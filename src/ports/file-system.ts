/**
 * All that the session log does to a disk goes through here: tests put a simulated page cache and a failing disk behind it.
 * Every path is absolute. Errors are Node's (`code`: ENOSPC, EIO, ENOENT …).
 */
export interface FileSystem {
  open(path: string, mode: "read" | "append" | "create"): Promise<FileHandle>;
  readFile(path: string): Promise<Uint8Array>;
  /** Written to a temporary file in the same folder, then renamed over; with `sync` both file and folder are synced. */
  replace(path: string, bytes: Uint8Array, options: { sync: boolean }): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  makeFolder(path: string): Promise<void>;
  syncFolder(path: string): Promise<void>;
  list(path: string): Promise<string[]>;
  /** `null` where nothing is. */
  size(path: string): Promise<number | null>;
  /** Removes a file or a folder with all in it; silent where nothing is. */
  remove(path: string): Promise<void>;
}

export interface FileHandle {
  readonly path: string;
  size(): Promise<number>;
  read(offset: number, length: number): Promise<Uint8Array>;
  /** Bytes written, which may be fewer than given. */
  write(bytes: Uint8Array, offset: number): Promise<number>;
  truncate(length: number): Promise<void>;
  /** fdatasync. After it has failed once the caller never tries again on this handle. */
  sync(): Promise<void>;
  close(): Promise<void>;
}
