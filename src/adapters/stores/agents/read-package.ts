import { constants } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";

import {
  isAgentFile,
  isVersionFile,
  packageDepthMax,
  versionBytesMax,
  versionFileBytesMax,
  versionFilesMax,
} from "../../../domain/agent-package.ts";
import type { AgentPackageRead } from "../../../ports/agent-store.ts";
import { hasCode } from "../../error-code.ts";

// What has become a link or a pipe since it was looked at is neither followed nor waited for.
const readOnlyNoLink = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

type Found = { path: string; target: string; bytes: number; stamp: string };
type Walk = { files: Found[]; refused: string[]; notes: string[] };

/** Whether a change of a path inside an agent's folder can change its package. */
export function belongsToPackage(path: string): boolean {
  return isAgentFile(path) && path !== "policy.yaml";
}

/**
 * The files of a folder, as of one moment: read between two equal listings, else `changing`. Links are followed only
 * inside the folder; what leads out, and what is no regular file, is named and never opened.
 */
export async function readPackage(folder: string): Promise<AgentPackageRead> {
  const home = await realpath(folder);
  const before = await walk(home);
  const bytes = before.files.reduce((sum, file) => sum + file.bytes, 0);
  if (bytes > versionBytesMax) return tooLarge(`${bytes} bytes`, `${versionBytesMax} bytes`);
  if (before.files.length > versionFilesMax)
    return tooLarge(`${before.files.length} files`, `${versionFilesMax} files`);

  const files = new Map<string, Uint8Array>();
  for (const { path, target } of before.files) files.set(path, await readFile(target, { flag: readOnlyNoLink }));
  const after = await walk(home);
  const stamps = (walked: Walk) => walked.files.map((file) => `${file.path} ${file.stamp}`).join("\n");
  if (stamps(before) !== stamps(after)) return { kind: "changing" };
  return { kind: "package", files, home, refused: before.refused, notes: before.notes };
}

const tooLarge = (found: string, limit: string): AgentPackageRead => ({
  kind: "unreadable",
  message: `the agent's folder holds ${found}; at most ${limit} are read (memory/, tools/ and hidden files aside)`,
});

/** Device, inode, size and times of a file: equal stamps, equal content. */
export async function stampOf(path: string): Promise<string> {
  const facts = await stat(path, { bigint: true });
  return `${facts.dev}:${facts.ino}:${facts.size}:${facts.mtimeNs}:${facts.ctimeNs}`;
}

async function walk(home: string): Promise<Walk> {
  const walked: Walk = { files: [], refused: [], notes: [] };
  await visit(home, "", walked, 0);
  walked.files.sort((a, b) => (a.path < b.path ? -1 : 1));
  return walked;
}

async function visit(home: string, inside: string, walked: Walk, depth: number): Promise<void> {
  for (const name of await readdir(join(home, inside))) {
    const path = inside === "" ? name : `${inside}/${name}`;
    if (!belongsToPackage(path)) continue;
    // More would be refused anyway; a folder without end must not be walked to its end.
    if (walked.files.length > versionFilesMax) return;
    const target = await realpathInside(home, path);
    if (target === null) {
      walked.refused.push(path);
      continue;
    }
    const facts = await stat(target);
    if (facts.isDirectory()) {
      // A link to a folder above would be walked for ever.
      const isAbove = `${join(home, inside)}${sep}`.startsWith(`${target}${sep}`);
      if (depth < packageDepthMax && !isAbove) await visit(home, path, walked, depth + 1);
    } else if (!facts.isFile()) walked.refused.push(path);
    else if (!isVersionFile(path)) continue;
    else if (facts.size > versionFileBytesMax) {
      walked.notes.push(`${path} has ${facts.size} bytes and was left out; at most ${versionFileBytesMax} are read`);
    } else walked.files.push({ path, target, bytes: facts.size, stamp: await stampOf(target) });
  }
}

async function realpathInside(home: string, path: string): Promise<string | null> {
  try {
    const target = await realpath(join(home, path));
    return target === home || target.startsWith(home + sep) ? target : null;
  } catch (error) {
    // A link that leads nowhere, or in circles.
    if (hasCode(error, "ENOENT", "ELOOP")) return null;
    throw error;
  }
}
