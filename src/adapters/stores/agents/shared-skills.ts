import { constants } from "node:fs";
import { open, readdir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";

import { frontMatter } from "../../../schema/skill.ts";
import { errorCode, isMissing } from "../../error-code.ts";

const headBytesMax = 64 * 1024;
const skillsMax = 1_000;
// What has become a link or a pipe since it was looked at is neither followed nor waited for.
const readOnlyNoLink = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/**
 * The skills that all agents share, as files of their packages: `.shared/skills/NAME/SKILL.md` holds the head of each, and
 * nothing where it can not be read or leads out of the folder; `.shared/skills-folder` says where they lie.
 */
export async function readSharedSkills(folder: string | undefined): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  const home = folder === undefined ? null : await realpathOrNull(folder);
  if (home === null) return files;
  for (const name of (await readdir(home)).toSorted().slice(0, skillsMax)) {
    const head = await headAt(home, name);
    if (head !== null) files.set(`.shared/skills/${name}/SKILL.md`, new TextEncoder().encode(head));
  }
  if (files.size > 0) files.set(".shared/skills-folder", new TextEncoder().encode(home));
  return files;
}

/** `null`: there is no SKILL.md; empty: it is not to be used. */
async function headAt(home: string, name: string): Promise<string | null> {
  const path = await realpathOrNull(join(home, name, "SKILL.md"));
  if (path === null) return null;
  if (!path.startsWith(home + sep)) return "";
  try {
    await using file = await open(path, readOnlyNoLink);
    if (!(await file.stat()).isFile()) return "";
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headBytesMax), 0, headBytesMax, 0);
    const text = buffer.toString("utf8", 0, bytesRead);
    const head = frontMatter(text);
    // Of a file without a head so much that it is not taken for one that could not be read.
    return head === null ? text.slice(0, 1) : `---\n${head}---\n`;
  } catch (error) {
    if (isMissing(error) || errorCode(error) === "ELOOP" || errorCode(error) === "EACCES") return "";
    throw error;
  }
}

async function realpathOrNull(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch (error) {
    if (isMissing(error) || errorCode(error) === "ELOOP") return null;
    throw error;
  }
}
