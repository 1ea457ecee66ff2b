import { lstat, mkdir, readlink, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, normalize, relative } from "node:path";

import type { ToolAgent } from "../parts.ts";
import { hasCode } from "../../error-code.ts";
import { isWithin } from "../../is-within.ts";
import { ToolFault } from "../tool-fault.ts";

/** A path that was given, as a folder that the agent may use and the way from there: neither has a link in it, when it was looked at. */
export type Place = {
  /** Absolute. */
  readonly root: string;
  /** Relative to `root`; empty for the root itself. */
  readonly inside: string;
  /** As the model knows it: relative to its workspace, or absolute. */
  readonly shown: string;
};

const pathLengthMax = 4096;
const folderMode = 0o700;

/**
 * Where a path leads: inside the workspace (made if it is missing) or, to read, inside `readable`. Links are followed as
 * far as they stay there; what is written to is never a link itself. Throws ToolFault for all else.
 */
export async function resolvePath(
  given: string,
  { workspace, readable }: Pick<ToolAgent, "workspace" | "readable">,
  intent: "read" | "write",
): Promise<Place> {
  if (given.includes("\0")) throw new ToolFault("A path can not hold a NUL character.");
  if (given.length > pathLengthMax) throw new ToolFault(`A path has at most ${pathLengthMax} characters.`);
  await mkdir(workspace, { recursive: true, mode: folderMode });
  const path = absolutePath(given, workspace);
  const target = intent === "read" ? await resolved(path, given) : await resolvedToWrite(path, given);
  const home = await realpath(workspace);
  const roots = intent === "read" ? [home, ...(await existing(readable))] : [home];
  const root = roots.find((one) => isWithin(one, target));
  if (root === undefined) throw new ToolFault(outside(given, workspace, intent));
  const inside = relative(root, target);
  return { root, inside, shown: root === home ? inside || "." : target };
}

/** In a sandbox the workspace is the home directory: so it is here. */
function absolutePath(given: string, workspace: string): string {
  const tail = given === "~" ? "" : given.startsWith("~/") ? given.slice(2) : given;
  return normalize(isAbsolute(tail) ? tail : join(workspace, tail)).replace(/(?<=.)\/+$/, "");
}

/** The path with all links followed, also where its end is not there yet. */
async function resolved(path: string, given: string): Promise<string> {
  const missing: string[] = [];
  for (let current = path; ; current = dirname(current)) {
    try {
      return join(await realpath(current), ...missing);
    } catch (error) {
      if (hasCode(error, "ELOOP")) throw new ToolFault(`${given} leads in circles: its links point at each other.`);
      if (!hasCode(error, "ENOENT", "ENOTDIR")) throw error;
      // What is there and leads nowhere is a link; to go on would mean to write where it points.
      if (hasCode(error, "ENOENT") && (await isThere(current)))
        throw new ToolFault(`${given} is a symbolic link that leads nowhere; remove it or choose another path.`);
      if (current === dirname(current)) throw error;
      missing.unshift(basename(current));
    }
  }
}

async function resolvedToWrite(path: string, given: string): Promise<string> {
  const target = join(await resolved(dirname(path), given), basename(path));
  try {
    const link = await readlink(target);
    throw new ToolFault(
      `${given} is a symbolic link to ${link}, and nothing is written through a link: name its target.`,
    );
  } catch (error) {
    if (!hasCode(error, "EINVAL", "ENOENT", "ENOTDIR")) throw error;
  }
  return target;
}

async function existing(folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(folders.map((folder) => realpath(folder).catch(() => null)));
  return found.filter((folder) => folder !== null);
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

function outside(given: string, workspace: string, intent: "read" | "write"): string {
  const also = intent === "read" ? ", or in the folders of skills and tools that you were told about" : "";
  return `${given} lies outside of your workspace ${workspace}: give a path in it${also}.`;
}
