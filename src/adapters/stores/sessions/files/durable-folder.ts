import { dirname } from "node:path";

import type { FileSystem } from "../../../../ports/file-system.ts";

/** Makes a folder that a power cut does not take away: a session is as durable as the folders it lies in. */
export async function makeDurableFolder(fs: FileSystem, path: string): Promise<void> {
  if ((await fs.size(path)) !== null) return;
  await makeDurableFolder(fs, dirname(path));
  await fs.makeFolder(path);
  await fs.syncFolder(dirname(path));
}
