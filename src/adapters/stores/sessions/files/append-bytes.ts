import type { FileHandle, FileSystem } from "../../../../ports/file-system.ts";
import { errorCode } from "../../../error-code.ts";

/** Adds bytes to the end of a file, made if it is missing, and syncs it. */
export async function appendBytes(fs: FileSystem, path: string, bytes: Uint8Array): Promise<void> {
  const file = await openOrCreate(fs, path);
  try {
    let offset = await file.size();
    let rest = bytes;
    while (rest.length > 0) {
      const written = await file.write(rest, offset);
      if (written === 0) throw Object.assign(new Error(`nothing could be written to ${path}`), { code: "ENOSPC" });
      offset += written;
      rest = rest.subarray(written);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Opens a file for writing, made if it is missing. */
export async function openOrCreate(fs: FileSystem, path: string): Promise<FileHandle> {
  try {
    return await fs.open(path, "append");
  } catch (error) {
    if (errorCode(error) !== "ENOENT") throw error;
    return fs.open(path, "create");
  }
}
