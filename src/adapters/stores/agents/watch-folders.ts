import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { relative, sep } from "node:path";

import type { AgentChange } from "../../../ports/agent-store.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { AgentFolders } from "./files.ts";
import { belongsToPackage } from "./read-package.ts";

const quietMs = 200;
/** A folder in which something is saved without pause is looked at all the same. */
const waitMsMax = 2_000;

/** Follows the folders of agents. A burst of changes is one call; those of other folders do not delay it beyond 2 s. */
export async function watchFolders(
  folders: AgentFolders,
  clock: Clock,
  listener: { onChange: (change: AgentChange) => void; onError: (error: unknown) => void },
): Promise<{ close(): Promise<void> }> {
  const { watch } = await import("chokidar");
  const keys = new Set<string>();
  let everything = false;
  let firstAt: number | null = null;
  let cancel: (() => void) | null = null;

  const flush = (): void => {
    const change: AgentChange = everything ? "all" : { keys: [...keys] };
    keys.clear();
    everything = false;
    firstAt = null;
    listener.onChange(change);
  };
  const changed = (path: string): void => {
    const key = keyOf(folders, path);
    if (key === null) return;
    if (key === "all") everything = true;
    else keys.add(key);
    firstAt ??= clock.monotonic();
    cancel?.();
    cancel = clock.after(Math.min(quietMs, Math.max(0, firstAt + waitMsMax - clock.monotonic())), flush);
  };

  // One that is not there yet would be looked for by watching all of its parent, sessions included.
  const watched = [folders.staticPath, folders.dynamicPath, folders.directivesPath];
  for (const folder of watched) await mkdir(folder, { recursive: true, mode: 0o700 });
  // It lies in a folder of the user's, where nothing is made unasked.
  if (folders.skillsPath !== undefined && existsSync(folders.skillsPath)) watched.push(folders.skillsPath);
  const watcher = watch(watched, {
    ignoreInitial: true,
    depth: 9,
    ignored: (path) => isIgnored(folders, path),
  });
  // The limit of the operating system on watches, mostly: what is loaded stays, and reloading by hand works.
  watcher.on("error", (error) => listener.onError(error));
  watcher.on("all", (_event, path) => changed(path));
  await new Promise<void>((resolve) => watcher.once("ready", resolve));
  return {
    async close() {
      cancel?.();
      await watcher.close();
    },
  };
}

const isBelow = (path: string, root: string): boolean => path === root || path.startsWith(root + sep);

function isIgnored(folders: AgentFolders, path: string): boolean {
  if (folders.skillsPath !== undefined && isBelow(path, folders.skillsPath)) {
    const [, file, ...deeper] = relative(folders.skillsPath, path).split(sep);
    return deeper.length > 0 || (file !== undefined && file !== "SKILL.md");
  }
  return [folders.staticPath, folders.dynamicPath].some((root) => {
    const [entry, ...inside] = relative(root, path).split(sep);
    if (entry === undefined || entry === "" || entry === "..") return false;
    return entry.startsWith(".") || (inside.length > 0 && !belongsToPackage(inside.join(sep)));
  });
}

function keyOf(folders: AgentFolders, path: string): string | null {
  if (isBelow(path, folders.directivesPath)) return "all";
  if (folders.skillsPath !== undefined && isBelow(path, folders.skillsPath)) return "all";
  for (const [name, root] of [["static", folders.staticPath] as const, ["dynamic", folders.dynamicPath] as const]) {
    if (path === root) return "all";
    if (!isBelow(path, root)) continue;
    const [entry] = relative(root, path).split(sep);
    return entry === undefined ? "all" : `${name}/${entry}`;
  }
  return null;
}
