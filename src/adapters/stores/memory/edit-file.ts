import { randomBytes } from "node:crypto";
import { dirname, basename, join } from "node:path";

import type { FileSystem } from "../../../ports/file-system.ts";
import { DuragentError } from "../../../schema/problem.ts";
import { makeDurableFolder } from "../sessions/files/durable-folder.ts";
import { appendBytes } from "../sessions/files/append-bytes.ts";
import { errorCode, isMissing } from "../../error-code.ts";
import { storageError } from "../storage-error.ts";

/** How often somebody else may write in between before it is given up. */
const attemptsMax = 20;

/**
 * Replaces a file by what `edit` makes of it (`null`: nothing), durably. What a human saves meanwhile is not lost: the
 * file is read again just before the new one takes its place, and edited anew where it has changed.
 */
export async function editFile(
  fs: FileSystem,
  path: string,
  edit: (before: Uint8Array) => Uint8Array | null,
): Promise<void> {
  try {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) if (await editOnce(fs, path, edit)) return;
  } catch (error) {
    throw storageError(`${basename(path)} can not be written`, error);
  }
  throw new DuragentError("storage-failed", `${basename(path)} is being changed all the time; try again`, {
    retryable: true,
    retryAfterMs: 1_000,
  });
}

async function editOnce(
  fs: FileSystem,
  path: string,
  edit: (before: Uint8Array) => Uint8Array | null,
): Promise<boolean> {
  const before = await readIfThere(fs, path);
  const after = edit(before ?? new Uint8Array());
  if (after === null) {
    // It may have been written by a process that died before it got to the folder.
    if (before !== null) await fs.syncFolder(dirname(path));
    return true;
  }
  await makeDurableFolder(fs, dirname(path));
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    await appendBytes(fs, temporary, after);
    if (!same(before, await readIfThere(fs, path))) return false;
    await fs.rename(temporary, path);
  } finally {
    await fs.remove(temporary);
  }
  await fs.syncFolder(dirname(path));
  return true;
}

/** `null` where nothing is. */
export async function readIfThere(fs: FileSystem, path: string): Promise<Uint8Array | null> {
  try {
    return await fs.readFile(path);
  } catch (error) {
    if (isMissing(error) || errorCode(error) === "EISDIR") return null;
    throw error;
  }
}

const same = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : Buffer.compare(a, b) === 0;
