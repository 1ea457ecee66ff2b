import { constants, existsSync } from "node:fs";
import { lstat, mkdir, open, readdir, rename, rm, type FileHandle } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { BigIntStats, Dirent, Stats } from "node:fs";
import { hasCode } from "../../error-code.ts";
import type { Place } from "./resolve-path.ts";
import { ToolFault } from "../tool-fault.ts";

const folderFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
// A pipe would be waited for without O_NONBLOCK.
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const descriptors = "/proc/self/fd";
const folderMode = 0o700;
const fileMode = 0o600;

/**
 * An open folder. On Linux its entries are reached through its descriptor (`/proc/self/fd`), so whatever a command of the
 * agent renames or links meanwhile, they are entries of the folder that was checked. Elsewhere they are reached by path.
 */
export class OpenFolder implements AsyncDisposable {
  readonly #handle: FileHandle;
  readonly #path: string;

  private constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  /** Opens the folder at a place, one step after the other, none of them a link. `make`: those that are missing. */
  static async at(
    { root, inside }: Pick<Place, "root" | "inside">,
    options: { make?: boolean } = {},
  ): Promise<OpenFolder> {
    let folder = await OpenFolder.#open(root, root);
    for (const name of inside.split("/").filter((part) => part !== "")) {
      await using above = folder;
      if (options.make === true) await above.#make(name);
      folder = await above.folder(name);
    }
    return folder;
  }

  static async #open(path: string, shown: string): Promise<OpenFolder> {
    const handle = await open(path, folderFlags);
    return new OpenFolder(handle, existsSync(descriptors) ? `${descriptors}/${handle.fd}` : shown);
  }

  /** The path of an entry, good for as long as the folder is open. */
  entry(name: string): string {
    return join(this.#path, name);
  }

  folder(name: string): Promise<OpenFolder> {
    return OpenFolder.#open(this.entry(name), this.entry(name));
  }

  list(): Promise<Dirent[]> {
    return readdir(`${this.#path}/.`, { withFileTypes: true });
  }

  facts(name: string): Promise<Stats> {
    return lstat(this.entry(name));
  }

  async #make(name: string): Promise<void> {
    try {
      await mkdir(this.entry(name), folderMode);
    } catch (error) {
      if (!hasCode(error, "EEXIST")) throw error;
    }
  }

  /** Opens a regular file to read. Throws ToolFault for anything else: a device or a pipe is never opened. */
  async read(name: string, shown: string): Promise<FileHandle> {
    refuseOther(await this.facts(name), shown);
    const file = await open(this.entry(name), readFlags);
    try {
      refuseOther(await file.stat(), shown);
      return file;
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** A new file of this content, synced, takes the name in one step; `mode` is that of the file it replaces. */
  async replace(
    name: string,
    content: Uint8Array | AsyncIterable<Uint8Array>,
    options: { temporary: string; mode?: number },
  ): Promise<void> {
    const temporary = this.entry(options.temporary);
    // An attempt that was interrupted may have left it.
    await rm(temporary, { force: true });
    try {
      await using file = await open(temporary, createFlags, fileMode);
      await file.writeFile(content);
      if (options.mode !== undefined) await file.chmod(options.mode & 0o777);
      await file.datasync();
      await rename(temporary, this.entry(name));
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await this.#handle.sync();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#handle.close();
  }
}

/** The folder that an entry lies in, and its name there. Throws ToolFault for the root itself. */
export function entryOf({ root, inside, shown }: Place): { folder: Pick<Place, "root" | "inside">; name: string } {
  if (inside === "") throw new ToolFault(`${shown} is a folder; list_files shows what is in it.`);
  const above = dirname(inside);
  return { folder: { root, inside: above === "." ? "" : above }, name: inside.slice(inside.lastIndexOf("/") + 1) };
}

/** What a thing in a folder is, in a word for the model. */
export function kindOf(
  facts: Pick<Stats | BigIntStats | Dirent, "isFile" | "isDirectory" | "isSymbolicLink" | "isFIFO" | "isSocket">,
) {
  if (facts.isFile()) return "file";
  if (facts.isDirectory()) return "folder";
  if (facts.isSymbolicLink()) return "symbolic link";
  if (facts.isFIFO()) return "pipe";
  return facts.isSocket() ? "socket" : "device";
}

function refuseOther(facts: Stats, shown: string): void {
  const kind = kindOf(facts);
  if (kind === "folder") throw new ToolFault(`${shown} is a folder; list_files shows what is in it.`);
  if (kind !== "file") throw new ToolFault(`${shown} is a ${kind}; only ordinary files are read and written here.`);
}
