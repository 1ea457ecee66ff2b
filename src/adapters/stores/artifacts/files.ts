import { createHash } from "node:crypto";
import { join } from "node:path";
import { getMimeType, mimes } from "hono/utils/mime";
import { LRUCache } from "lru-cache";

import {
  artifactBytesMax,
  artifactFileName,
  artifactNameFault,
  artifactNameOf,
  isArtifactFile,
  metaFileOf,
} from "../../../domain/artifact.ts";
import type { ArtifactMeta, ArtifactRef, ArtifactStore } from "../../../ports/artifact-store.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { FileSystem } from "../../../ports/file-system.ts";
import { DuragentError } from "../../../schema/problem.ts";
import { appendBytes } from "../sessions/files/append-bytes.ts";
import { makeDurableFolder } from "../sessions/files/durable-folder.ts";
import { isMissing } from "../../error-code.ts";
import { storageError } from "../storage-error.ts";
import { clearLeftovers, unfinishedFile } from "./leftovers.ts";
import { metaBytes, readMeta, type StoredMeta } from "./meta-file.ts";
import { digestOf, factsOf, readChecked } from "./stored-file.ts";

export type FileArtifactPlace = { folder: string; fs: FileSystem; clock: Clock };

const knownTypes = {
  ...mimes,
  md: "text/markdown",
  log: "text/plain",
  yaml: "application/yaml",
  yml: "application/yaml",
};
/** Digests of files that somebody put there by hand. */
const digestsKept = 10_000;

/** Artifacts as files: `AGENT/NAME` with `NAME.meta.yaml`. */
export class FileArtifactStore implements ArtifactStore {
  readonly #folder: string;
  readonly #fs: FileSystem;
  readonly #clock: Clock;
  readonly #digests = new LRUCache<string, string>({ maxSize: digestsKept, sizeCalculation: () => 1 });
  /** One artifact takes its name at a time, so that no two are mixed up. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor({ folder, fs, clock }: FileArtifactPlace) {
    this.#folder = folder;
    this.#fs = fs;
    this.#clock = clock;
  }

  /** Finishes or clears away what a crash left. Throws `storage-failed`, `storage-full`. */
  static async open(place: FileArtifactPlace): Promise<FileArtifactStore> {
    try {
      await makeDurableFolder(place.fs, place.folder);
      await clearLeftovers(place.fs, place.folder);
    } catch (error) {
      throw storageError(`cannot open the artifacts in ${place.folder}`, error);
    }
    return new FileArtifactStore(place);
  }

  async put(agent: string, name: string, content: AsyncIterable<Uint8Array>, meta: ArtifactMeta): Promise<ArtifactRef> {
    const fault = artifactNameFault(name);
    if (fault !== null)
      throw new DuragentError(
        "bad-request",
        `${JSON.stringify(name.slice(0, 80))} can not be an artifact's name: it ${fault}`,
      );
    const folder = this.#agentFolder(agent);
    const unfinished = join(folder, unfinishedFile(this.#clock.ulid()));
    const doing = `the artifact ${name} can not be stored`;
    try {
      await onDisk(doing, () => makeDurableFolder(this.#fs, folder));
      const written = await this.#write(unfinished, content, doing);
      const stored: StoredMeta = {
        content_type: meta.content_type ?? contentTypeOf(name),
        ...written,
        created_at: new Date(this.#clock.now()).toISOString(),
        ...(meta.session_id === undefined ? {} : { session_id: meta.session_id }),
      };
      await this.#inTurn(doing, () => this.#name(folder, { unfinished, name, meta: stored }));
      return refOf(agent, name, stored);
    } catch (error) {
      await onDisk(doing, () => this.#discard(unfinished)).catch(() => undefined);
      throw error;
    }
  }

  async find(agent: string, name: string): Promise<ArtifactRef | undefined> {
    if (artifactNameFault(name) !== null) return undefined;
    return onDisk(`the artifact ${name} can not be read`, async () => {
      const folder = this.#agentFolder(agent);
      return this.#refAt(agent, folder, await this.#fileOf(folder, name));
    });
  }

  async *get(ref: ArtifactRef, range: { start: number; end?: number } = { start: 0 }): AsyncGenerator<Uint8Array> {
    const path = await this.#pathOf(ref);
    if ((await factsOf(path)) === null) throw missing(ref.name);
    const { bytes, sha256 } = ref.meta;
    const end = Math.min(range.end ?? bytes, bytes);
    try {
      yield* readChecked(this.#fs, path, { bytes, sha256, start: range.start, end });
    } catch (error) {
      if (isMissing(error)) throw missing(ref.name);
      const [agent = ""] = ref.id.split("/");
      const now = await this.find(agent, ref.name);
      if (now !== undefined && now.meta.sha256 !== sha256)
        throw new DuragentError("conflict", `the artifact ${ref.name} was replaced meanwhile; read it again`);
      throw storageError(`the artifact ${ref.name} can not be read`, error);
    }
  }

  async list(
    agent: string,
    { prefix = "", limit, after }: { prefix?: string; limit: number; after?: string },
  ): Promise<ArtifactRef[]> {
    return onDisk(`the artifacts of ${agent} can not be listed`, async () => {
      const folder = this.#agentFolder(agent);
      const found = (await this.#files(folder))
        .map((file) => ({ file, name: artifactNameOf(file) }))
        .filter(({ name }) => name.startsWith(prefix) && (after === undefined || name > after))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1));
      const refs: ArtifactRef[] = [];
      for (const { file } of found) {
        if (refs.length === limit) break;
        const ref = await this.#refAt(agent, folder, file);
        if (ref !== undefined) refs.push(ref);
      }
      return refs;
    });
  }

  async delete(ref: ArtifactRef): Promise<void> {
    const doing = `the artifact ${ref.name} can not be removed`;
    await this.#inTurn(doing, async () => this.#remove(await this.#pathOf(ref)));
  }

  async deleteOfSession(agent: string, sessionId: string): Promise<void> {
    const folder = this.#agentFolder(agent);
    await this.#inTurn(`the artifacts of ${sessionId} can not be removed`, async () => {
      for (const file of await this.#files(folder)) {
        const meta = await readMeta(this.#fs, join(folder, metaFileOf(file)));
        if (meta?.session_id === sessionId) await this.#remove(join(folder, file));
      }
    });
  }

  async #write(
    path: string,
    content: AsyncIterable<Uint8Array>,
    doing: string,
  ): Promise<{ bytes: number; sha256: string }> {
    const hash = createHash("sha256");
    const file = await onDisk(doing, () => this.#fs.open(path, "create"));
    let bytes = 0;
    try {
      for await (const chunk of content) {
        if (bytes + chunk.length > artifactBytesMax)
          throw new DuragentError("too-large", `an artifact has at most ${artifactBytesMax} bytes`);
        hash.update(chunk);
        for (let rest = chunk; rest.length > 0;) {
          const written = await onDisk(doing, () => file.write(rest, bytes));
          if (written === 0)
            throw storageError(doing, Object.assign(new Error("nothing was written"), { code: "ENOSPC" }));
          bytes += written;
          rest = rest.subarray(written);
        }
      }
      await onDisk(doing, () => file.sync());
    } finally {
      await file.close();
    }
    return { bytes, sha256: hash.digest("hex") };
  }

  /** From here on a crash is made good when the store is opened: the facts lie beside the content before it takes its name. */
  async #name(folder: string, { unfinished, name, meta }: { unfinished: string; name: string; meta: StoredMeta }) {
    await appendBytes(this.#fs, metaFileOf(unfinished), metaBytes({ name, ...meta }));
    await this.#fs.syncFolder(folder);
    const path = join(folder, await this.#fileOf(folder, name));
    await this.#fs.rename(unfinished, path);
    await this.#fs.rename(metaFileOf(unfinished), metaFileOf(path));
    await this.#fs.syncFolder(folder);
  }

  /** Facts whose content has its name already stay, to follow it when the store is opened. */
  async #discard(unfinished: string): Promise<void> {
    if ((await this.#fs.size(unfinished)) === null) return;
    await this.#fs.remove(unfinished);
    await this.#fs.remove(metaFileOf(unfinished));
  }

  /** The content first: without it the facts are nothing, but without them it would still be an artifact. */
  async #remove(path: string): Promise<void> {
    await this.#fs.remove(path);
    await this.#fs.remove(metaFileOf(path));
    await this.#fs.syncFolder(join(path, ".."));
  }

  async #refAt(agent: string, folder: string, file: string): Promise<ArtifactRef | undefined> {
    const path = join(folder, file);
    const facts = await factsOf(path);
    if (facts === null) return undefined;
    const meta = await readMeta(this.#fs, metaFileOf(path));
    const name = artifactNameOf(file);
    // Facts about another size are about what was there before somebody changed it by hand.
    if (meta !== null && meta.bytes === facts.bytes) return refOf(agent, name, meta);
    const sha256 = this.#digests.get(`${path} ${facts.stamp}`) ?? (await digestOf(this.#fs, path));
    this.#digests.set(`${path} ${facts.stamp}`, sha256);
    const createdAt = new Date(facts.changedAtMs).toISOString();
    return refOf(agent, name, {
      content_type: contentTypeOf(name),
      bytes: facts.bytes,
      sha256,
      created_at: createdAt,
    });
  }

  async #files(folder: string): Promise<string[]> {
    try {
      return (await this.#fs.list(folder)).filter(isArtifactFile);
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  /** Somebody may have put a file there whose name, written our way, would be another. */
  async #fileOf(folder: string, name: string): Promise<string> {
    const file = artifactFileName(name);
    const asItIs = artifactNameOf(name) === name && isArtifactFile(name) && !name.includes("/") ? name : file;
    const isByHand = asItIs !== file && (await this.#fs.size(join(folder, file))) === null;
    return isByHand && (await this.#fs.size(join(folder, asItIs))) !== null ? asItIs : file;
  }

  async #pathOf({ id, name }: ArtifactRef): Promise<string> {
    const [agent = ""] = id.split("/");
    const folder = this.#agentFolder(agent);
    return join(folder, await this.#fileOf(folder, name));
  }

  readonly #agentFolder = (agent: string): string => join(this.#folder, artifactFileName(agent));

  #inTurn<Value>(doing: string, change: () => Promise<Value>): Promise<Value> {
    const done = this.#last.then(() => onDisk(doing, change));
    // The next one does not care how this one went.
    this.#last = done.catch(() => undefined);
    return done;
  }
}

const refOf = (agent: string, name: string, { name: _, ...meta }: StoredMeta): ArtifactRef => ({
  id: `${agent}/${artifactFileName(name)}`,
  name,
  meta,
});

const contentTypeOf = (name: string): string => getMimeType(name, knownTypes) ?? "application/octet-stream";

const missing = (name: string): DuragentError =>
  new DuragentError("not-found", `there is no artifact ${name} any more`);

async function onDisk<Value>(doing: string, run: () => Promise<Value>): Promise<Value> {
  try {
    return await run();
  } catch (error) {
    throw storageError(doing, error);
  }
}
