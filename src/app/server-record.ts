import { readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

import type { ServerRecord } from "../surfaces/cli/ground.ts";

const recordSchema = z.object({
  pid: z.int().positive(),
  started_at: z.string(),
  url: z.string().optional(),
  socket: z.string().optional(),
  version: z.string(),
});

const pathIn = (dataDir: string): string => join(dataDir, "server.json");

/** Who says that it serves this data directory; `null` without a readable record. Proves nothing: the lock does. */
export async function readServerRecord(dataDir: string): Promise<ServerRecord | null> {
  let text: string;
  try {
    text = await readFile(pathIn(dataDir), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    // Cut off by a crash or written by someone else: as good as none, since it proves nothing anyway.
    return null;
  }
}

/** Readable by its user only; replaced whole. */
export async function writeServerRecord(dataDir: string, record: ServerRecord): Promise<void> {
  const temporary = `${pathIn(dataDir)}.tmp`;
  await writeFile(temporary, `${JSON.stringify(record, null, 2)}\n`, { mode: 0o600 });
  await rename(temporary, pathIn(dataDir));
}

export async function removeServerRecord(dataDir: string): Promise<void> {
  await rm(pathIn(dataDir), { force: true });
}
