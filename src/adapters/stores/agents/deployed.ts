import { createHash } from "node:crypto";
import { chmod, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { FileSystem } from "../../../ports/file-system.ts";
import type { PutAgent, WholeAgent } from "../../../ports/agent-store.ts";
import { localPolicyName } from "../../../domain/policy/file-names.ts";
import { DuragentError } from "../../../schema/problem.ts";
import { appendBytes } from "../sessions/files/append-bytes.ts";
import { isMissing } from "../../error-code.ts";
import { storageError } from "../storage-error.ts";
import { readWhole } from "./read-whole.ts";

/**
 * Agents that were deployed, a folder each. A folder can not be replaced in one step, so the new one is written beside
 * the old (`.new-NAME`), the old one steps aside (`.old-NAME`) and the new one takes its name: while `NAME` is not
 * there, whoever reads takes `.old-NAME` for it. A crash between any two steps leaves one of them whole.
 */
export class DeployedFolder {
  readonly #root: string;
  readonly #fs: FileSystem;
  /** One change at a time. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(root: string, fs: FileSystem) {
    this.#root = root;
    this.#fs = fs;
  }

  /** Names of the folder's entries, an agent that has only stepped aside among them. */
  async entries(): Promise<string[]> {
    const names = await listed(this.#root);
    const aside = names.flatMap((name) => (name.startsWith(asidePrefix) ? [name.slice(asidePrefix.length)] : []));
    return [...new Set([...names.filter((name) => !name.startsWith(".")), ...aside])].toSorted();
  }

  /** Where an entry lies now. */
  async pathOf(entry: string): Promise<string> {
    const path = join(this.#root, entry);
    const aside = this.#aside(entry);
    return (await this.#fs.size(path)) === null && (await this.#fs.size(aside)) !== null ? aside : path;
  }

  async revision(name: string): Promise<string | null> {
    const entry = await this.#entryOf(name);
    return entry === undefined ? null : revisionOf(await readWhole(await this.pathOf(entry)));
  }

  put(name: string, agent: WholeAgent, ifMatch?: string | null): Promise<PutAgent> {
    return this.#inTurn(`agent ${name} can not be kept`, async () => {
      const taken = (await this.entries()).map(nameOf).find((one) => one !== name && same(one, name));
      if (taken !== undefined) return { kind: "taken", by: taken };
      const before = await this.revision(name);
      if (ifMatch !== undefined && ifMatch !== before) return { kind: "conflict", revision: before };
      const revision = revisionOf(agent);
      if (revision === before) {
        // Its files were synced before they got their name; a process that died may not have got to the name.
        await this.#fs.syncFolder(this.#root);
        return { kind: "unchanged", revision };
      }
      await this.#replace(name, agent);
      return { kind: before === null ? "created" : "updated", revision };
    });
  }

  delete(name: string): Promise<boolean> {
    return this.#inTurn(`agent ${name} can not be removed`, async () => {
      const entry = await this.#entryOf(name);
      if (entry === undefined) return false;
      // A copy that had stepped aside would come back in place of what is taken away.
      if ((await this.pathOf(entry)) !== this.#aside(entry)) await this.#fs.remove(this.#aside(entry));
      const gone = join(this.#root, `.gone-${entry}`);
      await this.#fs.remove(gone);
      await this.#fs.rename(await this.pathOf(entry), gone);
      await this.#fs.syncFolder(this.#root);
      await this.#fs.remove(gone);
      return true;
    });
  }

  async #replace(name: string, agent: WholeAgent): Promise<void> {
    const fresh = join(this.#root, `.new-${name}`);
    const path = join(this.#root, name);
    const aside = this.#aside(name);
    await this.#fs.makeFolder(this.#root);
    await this.#fs.syncFolder(dirname(this.#root));
    let kept: Uint8Array | null = null;
    try {
      await this.#fs.remove(fresh);
      await this.#write(fresh, agent);
      kept = await this.#keepLocalPolicy(await this.pathOf(name), fresh, null);
      if ((await this.#fs.size(path)) !== null) {
        await this.#fs.remove(aside);
        await this.#fs.rename(path, aside);
      }
      await this.#fs.rename(fresh, path);
    } catch (error) {
      await this.#fs.remove(fresh);
      throw error;
    }
    await this.#fs.syncFolder(this.#root);
    // What was allowed for always while this went on.
    await this.#keepLocalPolicy(aside, path, kept);
    await this.#fs.remove(aside);
    // Somebody may have put it there as a single file.
    for (const entry of await listed(this.#root)) {
      if (entry !== name && nameOf(entry) === name) await this.#fs.remove(join(this.#root, entry));
    }
  }

  /** What a human has allowed for always belongs to this server, not to the package: it outlives what it lies beside. */
  async #keepLocalPolicy(from: string, to: string, known: Uint8Array | null): Promise<Uint8Array | null> {
    const file = join(from, localPolicyName);
    if ((await this.#fs.size(file)) === null) return null;
    const bytes = await this.#fs.readFile(file);
    if (known !== null && Buffer.compare(known, bytes) === 0) return bytes;
    await this.#fs.replace(join(to, localPolicyName), bytes, { sync: true });
    return bytes;
  }

  async #write(folder: string, { files, executable }: WholeAgent): Promise<void> {
    const folders = new Set<string>([folder]);
    for (const [path, bytes] of files) {
      const file = join(folder, path);
      await this.#fs.makeFolder(dirname(file));
      for (let above = dirname(file); above.length > folder.length; above = dirname(above)) folders.add(above);
      await appendBytes(this.#fs, file, bytes);
      if (executable.has(path)) await chmod(file, 0o700);
    }
    // The deepest first: a folder's entries before the folder.
    for (const made of [...folders].toSorted((a, b) => b.length - a.length)) await this.#fs.syncFolder(made);
  }

  async #entryOf(name: string): Promise<string | undefined> {
    const entries = await this.entries();
    return entries.find((entry) => entry === name) ?? entries.find((entry) => nameOf(entry) === name);
  }

  readonly #aside = (entry: string): string => join(this.#root, `${asidePrefix}${entry}`);

  #inTurn<Value>(doing: string, change: () => Promise<Value>): Promise<Value> {
    const done = this.#last.then(change).catch((error: unknown) => {
      throw error instanceof DuragentError ? error : storageError(doing, error);
    });
    // The next one does not care how this one went.
    this.#last = done.catch(() => undefined);
    return done;
  }
}

const asidePrefix = ".old-";
const nameOf = (entry: string): string => /^(.+)\.ya?ml$/.exec(entry)?.[1] ?? entry;
const same = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/** SHA-256 over paths, contents and what may be run. */
function revisionOf({ files, executable }: WholeAgent): string {
  const hash = createHash("sha256");
  for (const [path, bytes] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(`${executable.has(path) ? "x" : "-"}${Buffer.byteLength(path)}:${path}${bytes.length}:`).update(bytes);
  }
  return hash.digest("hex");
}

async function listed(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
