import { statSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";

import { sessionIdSchema } from "../../schema/ids.ts";
import { hasCode, isMissing } from "../error-code.ts";

/** Of a session's working notes; what a human adds beyond it is not read. */
export const notesBytesMax = 16 * 1024;

function notesPath(sessionsFolder: string, sessionId: string): string {
  return join(sessionsFolder, sessionIdSchema.parse(sessionId), "memory", "working.md");
}

/** A session's working notes, up to `notesBytesMax`; `undefined` where there are none. */
export async function readWorkingNotes(sessionsFolder: string, sessionId: string): Promise<string | undefined> {
  const path = notesPath(sessionsFolder, sessionId);
  try {
    // Most sessions have none, and this is asked at every turn: the kernel knows at once, the thread pool takes its time.
    if (!statSync(path, { throwIfNoEntry: false })) return undefined;
    await using file = await open(path, "r");
    const buffer = Buffer.alloc(notesBytesMax);
    const { bytesRead } = await file.read(buffer, 0, notesBytesMax, 0);
    const text = new TextDecoder().decode(buffer.subarray(0, bytesRead), { stream: true }).trim();
    return text === "" ? undefined : text;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

/**
 * Replaces them durably, whole or not at all. The session's own folder must be there: a session that was deleted while
 * its tool ran does not come back.
 */
export async function writeWorkingNotes(sessionsFolder: string, sessionId: string, notes: string): Promise<void> {
  const path = notesPath(sessionsFolder, sessionId);
  const folder = dirname(path);
  await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
    if (!hasCode(error, "EEXIST")) throw error;
  });
  const temporary = `${path}.tmp`;
  await rm(temporary, { force: true });
  {
    await using file = await open(temporary, "wx", 0o600);
    await file.writeFile(`${notes}\n`);
    await file.datasync();
  }
  await rename(temporary, path);
  for (const one of [folder, dirname(folder)]) {
    await using handle = await open(one, "r");
    await handle.sync();
  }
}
