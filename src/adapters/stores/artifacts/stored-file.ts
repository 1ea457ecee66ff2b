import { createHash } from "node:crypto";
import { lstat } from "node:fs/promises";

import type { FileSystem } from "../../../ports/file-system.ts";
import { DuragentError } from "../../../schema/problem.ts";
import { isMissing } from "../../error-code.ts";

const chunkBytes = 256 * 1024;

export type FileFacts = {
  readonly bytes: number;
  readonly changedAtMs: number;
  /** Equal for equal content, as far as a disk tells. */
  readonly stamp: string;
};

/** `null` where no ordinary file is: a link, a pipe or a folder that somebody put there is no artifact. */
export async function factsOf(path: string): Promise<FileFacts | null> {
  try {
    const facts = await lstat(path);
    if (!facts.isFile()) return null;
    return {
      bytes: facts.size,
      changedAtMs: facts.mtimeMs,
      stamp: `${facts.dev}:${facts.ino}:${facts.size}:${facts.mtimeMs}`,
    };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** SHA-256 of a file, hex. */
export async function digestOf(fs: FileSystem, path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await fs.open(path, "read");
  try {
    for (let offset = 0; ;) {
      const chunk = await file.read(offset, chunkBytes);
      if (chunk.length === 0) return hash.digest("hex");
      hash.update(chunk);
      offset += chunk.length;
    }
  } finally {
    await file.close();
  }
}

/**
 * The bytes from `start` up to `end` of a file that must have `bytes` bytes and this digest. Where all of it is read the
 * digest is checked before the last piece is given out. Throws `storage-failed` where it is not so, and what the disk throws.
 */
export async function* readChecked(
  fs: FileSystem,
  path: string,
  { bytes, sha256, start, end }: { bytes: number; sha256: string; start: number; end: number },
): AsyncGenerator<Uint8Array> {
  const file = await fs.open(path, "read");
  try {
    if ((await file.size()) !== bytes) throw otherContent(path);
    const hash = start === 0 && end === bytes ? createHash("sha256") : null;
    for (let offset = start; offset < end;) {
      const chunk = await file.read(offset, Math.min(chunkBytes, end - offset));
      if (chunk.length === 0) throw otherContent(path);
      hash?.update(chunk);
      offset += chunk.length;
      if (offset === end && hash !== null && hash.digest("hex") !== sha256) throw otherContent(path);
      yield chunk;
    }
  } finally {
    await file.close();
  }
}

const otherContent = (path: string): DuragentError =>
  new DuragentError(
    "storage-failed",
    `${path} does not hold what was stored: put it again; or, where somebody changed it on purpose, remove ${path}.meta.yaml`,
  );
