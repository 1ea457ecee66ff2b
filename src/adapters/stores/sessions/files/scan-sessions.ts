import { join } from "node:path";

import type { FileSystem } from "../../../../ports/file-system.ts";
import type { SessionId } from "../../../../schema/ids.ts";
import { isMissing } from "../../../error-code.ts";
import { seedOf } from "./line.ts";
import { asSessionId, sessionPaths, trashFolder } from "./paths.ts";
import { readSnapshotFile, type SnapshotFile } from "./snapshot-file.ts";

/** Folders looked at at the same time. */
const scanConcurrency = 64;

export type FoundSession = {
  id: SessionId;
  /** A snapshot that covers the whole log, by its size: the log need not be opened. */
  snapshot: SnapshotFile | null;
};

/** Looks at every session of the folder without opening a log. */
export async function scanSessions(
  fs: FileSystem,
  sessions: string,
  found: (session: FoundSession) => void,
): Promise<void> {
  const ids = (await listNames(fs, sessions)).map(asSessionId).filter((id) => id !== null);
  let next = 0;
  const scanNext = async () => {
    for (let id = ids[next++]; id !== undefined; id = ids[next++]) {
      const session = await look(fs, sessions, id);
      if (session) found(session);
    }
  };
  await Promise.all(Array.from({ length: scanConcurrency }, scanNext));
}

async function look(fs: FileSystem, sessions: string, id: SessionId): Promise<FoundSession | null> {
  const paths = sessionPaths(sessions, id);
  const [size, snapshot] = await Promise.all([fs.size(paths.log), readSnapshotFile(fs, paths.snapshot, seedOf(id))]);
  if (size === null) return null;
  return { id, snapshot: snapshot?.line_end === size ? snapshot : null };
}

/** Sessions that were deleted while the process died, and what was deleted before, go for good. */
export async function emptyTrash(fs: FileSystem, sessions: string, deleted: ReadonlySet<SessionId>): Promise<void> {
  for (const name of await listNames(fs, sessions)) {
    const id = asSessionId(name);
    if (id && deleted.has(id)) await fs.remove(join(sessions, id));
  }
  const trash = trashFolder(sessions);
  for (const name of await listNames(fs, trash)) await fs.remove(join(trash, name));
}

async function listNames(fs: FileSystem, folder: string): Promise<string[]> {
  try {
    return await fs.list(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
