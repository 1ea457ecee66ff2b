import { chmod, lstat, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";

/** People write these, git checks them out as 0755 and 0644: they only must not be writable by others. */
const writtenByPeople = new Set(["agents", "directives", "tools", "policy.yaml"]);
const writableByOthers = 0o002;
/** A tree of agents is small; one that is not is left as it is past this. */
const entriesMax = 10_000;

export type Tightened = { path: string; from: string; to: string };

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, "0");

async function setMode(path: string, from: number, to: number): Promise<Tightened[]> {
  if ((from & 0o777) === to) return [];
  await chmod(path, to);
  return [{ path, from: octal(from), to: octal(to) }];
}

async function tightenOwn(path: string, apply: boolean): Promise<Tightened[]> {
  const stats = await lstat(path);
  if (stats.isSymbolicLink() || stats.isSocket()) return [];
  const to = stats.mode & (stats.isDirectory() ? 0o700 : 0o600);
  if ((stats.mode & 0o077) === 0) return [];
  return apply ? setMode(path, stats.mode, to) : [{ path, from: octal(stats.mode), to: octal(to) }];
}

/** Takes the right to write away from others, in a tree that people keep. */
async function tightenShared(path: string, apply: boolean, budget: { left: number }): Promise<Tightened[]> {
  if (budget.left-- <= 0) return [];
  const stats = await lstat(path);
  if (stats.isSymbolicLink()) return [];
  const to = stats.mode & 0o777 & ~writableByOthers;
  const done =
    (stats.mode & writableByOthers) === 0
      ? []
      : apply
        ? await setMode(path, stats.mode, to)
        : [{ path, from: octal(stats.mode), to: octal(to) }];
  if (!stats.isDirectory()) return done;
  for (const name of await readdir(path)) done.push(...(await tightenShared(join(path, name), apply, budget)));
  return done;
}

/**
 * What of a data directory others could read or write: itself and what lies directly in it (0700 and 0600: who can not
 * enter the directory reaches nothing deeper), and what people write, where only the right to write goes.
 * With `apply` it is mended. Throws Node's errors (EPERM where it belongs to another user).
 */
export async function tightenDataDirectory(dataDir: string, options: { apply: boolean }): Promise<Tightened[]> {
  const done = await tightenOwn(dataDir, options.apply);
  const budget = { left: entriesMax };
  for (const name of await readdir(dataDir)) {
    if (name === ".gitignore") continue;
    const path = join(dataDir, name);
    done.push(
      ...(writtenByPeople.has(name)
        ? await tightenShared(path, options.apply, budget)
        : await tightenOwn(path, options.apply)),
    );
  }
  return done;
}

/** Makes folders that are not there, 0700; parents that had to be made get the same mode. */
export async function makePrivateFolders(paths: readonly string[]): Promise<void> {
  for (const path of paths) await mkdir(path, { recursive: true, mode: 0o700 });
}
