import type { Dirent } from "node:fs";

import { hasCode } from "../../error-code.ts";
import { OpenFolder } from "./open-inside.ts";
import type { Place } from "./resolve-path.ts";

export type Walked = {
  readonly folder: OpenFolder;
  readonly entry: Dirent;
  /** Relative to where the walk began. */
  readonly path: string;
};

/** Entries looked at in one walk, and folders inside folders. */
const entriesMax = 50_000;
const depthMax = 32;
/** What programs keep for themselves, and nobody means when looking for something. */
const skipped = new Set([".git", "node_modules"]);

/** All entries under a folder, by name, folders before what is in them. Follows no links. `false` at the end: there were more than are looked at. */
export async function* walk(
  place: Pick<Place, "root" | "inside">,
  signal: AbortSignal,
): AsyncGenerator<Walked, boolean> {
  let left = entriesMax;
  async function* visit(folder: OpenFolder, prefix: string, depth: number): AsyncGenerator<Walked, boolean> {
    for (const entry of (await folder.list()).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      signal.throwIfAborted();
      if (left === 0) return false;
      left -= 1;
      const path = `${prefix}${entry.name}`;
      yield { folder, entry, path };
      if (!entry.isDirectory() || skipped.has(entry.name)) continue;
      if (depth === depthMax) return false;
      await using below = await folder.folder(entry.name).catch(gone);
      if (below !== null && !(yield* visit(below, `${path}/`, depth + 1))) return false;
    }
    return true;
  }
  await using top = await OpenFolder.at(place);
  return yield* visit(top, "", 0);
}

/** What was renamed, removed or locked since its folder was read is passed over. */
function gone(error: unknown): null {
  if (hasCode(error, "ENOENT", "ENOTDIR", "ELOOP", "EACCES")) return null;
  throw error;
}
