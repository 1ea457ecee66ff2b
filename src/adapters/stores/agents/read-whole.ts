import { constants } from "node:fs";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";

import { isAgentFile, packageBytesMax, packageDepthMax, packageFilesMax } from "../../../domain/agent-package.ts";
import type { WholeAgent } from "../../../ports/agent-store.ts";
import { DuragentError } from "../../../schema/problem.ts";
import { hasCode, isMissing } from "../../error-code.ts";

// What has become a link or a pipe since it was looked at is neither followed nor waited for.
const readOnlyNoLink = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const ownerMayRun = 0o100;

/**
 * All that belongs to the agent in a folder, or a single file as the package that it is. What leads out of the folder
 * and what is no regular file is left out. Throws `unprocessable` past the limits of a package.
 */
export async function readWhole(path: string): Promise<WholeAgent> {
  if ((await stat(path)).isFile())
    return { files: new Map([["agent.yaml", await readFile(path)]]), executable: new Set() };
  const home = await realpath(path);
  const found: Found = { files: new Map(), executable: new Set(), bytes: 0 };
  await visit({ home, inside: "", depth: 0 }, found);
  const files = new Map([...found.files].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  return { files, executable: found.executable };
}

type Found = { files: Map<string, Uint8Array>; executable: Set<string>; bytes: number };

async function visit({ home, inside, depth }: { home: string; inside: string; depth: number }, found: Found) {
  for (const name of await readdir(join(home, inside))) {
    const path = inside === "" ? name : `${inside}/${name}`;
    const target = isAgentFile(path) ? await insideOf(home, path) : null;
    if (target === null) continue;
    const facts = await stat(target);
    if (facts.isDirectory()) {
      // A link to a folder above would be walked for ever.
      const isAbove = `${join(home, inside)}${sep}`.startsWith(`${target}${sep}`);
      if (depth < packageDepthMax && !isAbove) await visit({ home, inside: path, depth: depth + 1 }, found);
    } else if (facts.isFile()) {
      found.bytes += facts.size;
      if (found.bytes > packageBytesMax || found.files.size >= packageFilesMax) throw tooLarge();
      found.files.set(path, await readFile(target, { flag: readOnlyNoLink }));
      if ((facts.mode & ownerMayRun) !== 0) found.executable.add(path);
    }
  }
}

const tooLarge = (): DuragentError =>
  new DuragentError(
    "unprocessable",
    `the agent's folder holds more than ${packageFilesMax} files or ${packageBytesMax} bytes: too much for a package`,
  );

async function insideOf(home: string, path: string): Promise<string | null> {
  try {
    const target = await realpath(join(home, path));
    return target.startsWith(home + sep) ? target : null;
  } catch (error) {
    if (isMissing(error) || hasCode(error, "ELOOP")) return null;
    throw error;
  }
}
