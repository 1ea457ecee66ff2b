import { readdir, realpath, stat } from "node:fs/promises";
import { basename, delimiter, dirname, isAbsolute, join, normalize } from "node:path";

import { isWithin } from "../is-within.ts";

/** Each costs a mount at every call. */
const foldersMax = 128;
/** A folder of programs with more entries is looked at no further. */
const entriesMax = 4096;

/** `links`: paths inside that stand for another one. */
export type ProgramFolders = { readable: readonly string[]; links: readonly { path: string; target: string }[] };

export type ProgramFoldersOptions = {
  path: string;
  /** Seen already, as part of the system. */
  isSeen(path: string): boolean;
  /** Never shown, in whole or in part. */
  hidden: readonly string[];
  /** May hold folders of programs, but is never shown itself: a home directory. */
  holders: readonly string[];
};

/**
 * What makes the programs of PATH run that are not part of the system: their folders, and where their links lead (a
 * package's `node_modules`, the version that a version manager chose). Read-only, and nothing else beside them.
 */
export async function programFolders(options: ProgramFoldersOptions): Promise<ProgramFolders> {
  const readable = new Set<string>();
  const links = new Map<string, string>();
  const visited = new Set<string>();

  const isShown = (path: string): boolean =>
    options.isSeen(path) || [...readable].some((folder) => isWithin(folder, path));
  const isForbidden = (path: string): boolean =>
    options.holders.some((holder) => isWithin(path, holder)) ||
    options.hidden.some((hidden) => isWithin(path, hidden) || isWithin(hidden, path));
  const show = (path: string): void => {
    if (readable.size < foldersMax && !isShown(path) && !isForbidden(path)) readable.add(path);
  };

  const visit = async (folder: string): Promise<void> => {
    const real = await realpath(folder).catch(() => null);
    if (real === null || isForbidden(real) || isForbidden(folder)) return;
    if (real !== folder && !options.isSeen(folder)) links.set(folder, real);
    if (visited.has(real) || options.isSeen(real)) return;
    visited.add(real);
    show(packagesAbove(real) ?? real);
    for (const beside of await belongings(real)) show(beside);
    for (const entry of (await readdir(real, { withFileTypes: true }).catch(() => [])).slice(0, entriesMax)) {
      if (!entry.isSymbolicLink()) continue;
      const target = await realpath(join(real, entry.name)).catch(() => null);
      if (target === null || isShown(target)) continue;
      const packages = packagesAbove(target);
      if (packages !== undefined) show(packages);
      else if (basename(dirname(target)) === "bin") await visit(dirname(target));
      else show(target);
    }
  };

  for (const folder of options.path.split(delimiter)) if (isAbsolute(folder)) await visit(normalize(join(folder, ".")));
  return { readable: [...readable], links: Array.from(links, ([path, target]) => ({ path, target })) };
}

/** The outermost `node_modules` of a path: packages load each other across it. */
const packagesAbove = (path: string): string | undefined => /^(.*?\/node_modules)(?:\/|$)/.exec(path)?.[1];

/** What programs load from beside their folder: Node's packages, a Python environment, a version manager's versions. */
async function belongings(folder: string): Promise<string[]> {
  const prefix = dirname(folder);
  // Of pyenv, rbenv, asdf: small scripts that look for the version to run beside them.
  if (basename(folder) === "shims") return [prefix];
  if (basename(folder) !== "bin") return [];
  const exists = (path: string) =>
    stat(path).then(
      () => true,
      () => false,
    );
  const packages = join(prefix, "lib", "node_modules");
  const environment = join(prefix, "pyvenv.cfg");
  return [
    ...((await exists(packages)) ? [packages] : []),
    ...((await exists(environment)) ? [environment, join(prefix, "lib")] : []),
  ];
}
