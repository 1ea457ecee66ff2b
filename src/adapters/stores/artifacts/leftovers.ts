import { join } from "node:path";

import { artifactFileName, fileOfMeta, metaFileOf } from "../../../domain/artifact.ts";
import type { FileSystem } from "../../../ports/file-system.ts";
import { errorCode } from "../../error-code.ts";
import { readMeta } from "./meta-file.ts";
import { digestOf } from "./stored-file.ts";

const unfinishedPrefix = ".put-";

/** What an artifact is called while it is written. */
export const unfinishedFile = (ulid: string): string => `${unfinishedPrefix}${ulid}`;

/**
 * What a crash left in a folder of artifacts: content without a name goes, for nobody was told that it is there; facts
 * whose content has got its name already follow it; and facts about what was removed go after it.
 */
export async function clearLeftovers(fs: FileSystem, folder: string): Promise<void> {
  for (const agent of await fs.list(folder)) {
    const inside = join(folder, agent);
    const entries = new Set(await entriesOf(fs, inside));
    let changed = false;
    const removeFrom = async (entry: string): Promise<void> => {
      await fs.remove(join(inside, entry));
      changed = true;
    };
    for (const entry of entries) {
      const about = fileOfMeta(entry);
      if (entry.startsWith(unfinishedPrefix)) {
        if (about === null || entries.has(about) || !(await follow(fs, inside, entry))) await removeFrom(entry);
        changed = true;
      } else if (about !== null && !entries.has(about) && (await readMeta(fs, join(inside, entry))) !== null)
        await removeFrom(entry);
    }
    if (changed) await fs.syncFolder(inside);
  }
}

/** Gives facts their name if what lies under it is what they are about. */
async function follow(fs: FileSystem, folder: string, entry: string): Promise<boolean> {
  const meta = await readMeta(fs, join(folder, entry));
  if (meta?.name === undefined) return false;
  const path = join(folder, artifactFileName(meta.name));
  if ((await fs.size(path)) !== meta.bytes || (await digestOf(fs, path)) !== meta.sha256) return false;
  await fs.rename(join(folder, entry), metaFileOf(path));
  return true;
}

async function entriesOf(fs: FileSystem, folder: string): Promise<string[]> {
  try {
    return await fs.list(folder);
  } catch (error) {
    // A file beside the agents' folders.
    if (errorCode(error) === "ENOTDIR") return [];
    throw error;
  }
}
