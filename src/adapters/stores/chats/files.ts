import { join } from "node:path";

import type { Chat, ChatIndex, SeenMessage } from "../../../ports/chat-index.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { FileSystem } from "../../../ports/file-system.ts";
import type { SessionId } from "../../../schema/ids.ts";
import { errorCode } from "../../error-code.ts";
import { SeenFile } from "./seen-file.ts";

export type FileChatIndexPlace = {
  /** `gateways/` of the data directory, which holds a folder for each gateway. */
  folder: string;
  fs: FileSystem;
  clock: Clock;
  /** Of a gateway; default: 500,000. */
  rowsMax?: number;
};

/** What has been seen, in a file of each gateway. */
export class FileChatIndex implements ChatIndex {
  readonly #place: FileChatIndexPlace;
  /** By gateway; those that had a file when it was opened are loaded. */
  readonly #files = new Map<string, SeenFile>();
  readonly #opening = new Map<string, Promise<SeenFile>>();

  private constructor(place: FileChatIndexPlace) {
    this.#place = place;
  }

  static async open(place: FileChatIndexPlace): Promise<FileChatIndex> {
    const index = new FileChatIndex(place);
    for (const folder of await foldersIn(place)) {
      const gateway = gatewayOf(folder);
      const path = join(place.folder, folder, fileName);
      if (gateway !== null && (await place.fs.size(path)) !== null) await index.#opened(gateway);
    }
    return index;
  }

  has({ gateway, chatId }: Chat, key: string): boolean {
    return this.#files.get(gateway)?.rows.has(chatId, key, this.#place.clock.now()) ?? false;
  }

  through(id: SessionId): number {
    return Math.max(0, ...[...this.#files.values()].map(({ rows }) => rows.through(id)));
  }

  async note(seen: readonly SeenMessage[]): Promise<void> {
    for (const [gateway, rows] of Map.groupBy(seen, ({ chat }) => chat.gateway))
      await (await this.#opened(gateway)).note(rows);
  }

  async sync(gateway: string): Promise<void> {
    await this.#files.get(gateway)?.sync();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.close()));
  }

  #opened(gateway: string): Promise<SeenFile> {
    const known = this.#opening.get(gateway);
    if (known) return known;
    const { folder, fs, clock, rowsMax } = this.#place;
    const path = join(folder, folderOf(gateway), fileName);
    const opening = SeenFile.open({ fs, path, gateway, nowMs: () => clock.now(), countMax: rowsMax });
    this.#opening.set(gateway, opening);
    opening.then(
      (file) => this.#files.set(gateway, file),
      () => this.#opening.delete(gateway),
    );
    return opening;
  }
}

const fileName = "seen.jsonl";

async function foldersIn({ fs, folder }: FileChatIndexPlace): Promise<string[]> {
  try {
    return await fs.list(folder);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** A configured name stands as it is; one from an old log may be anything, and never becomes a path. */
const folderOf = (gateway: string): string => encodeURIComponent(gateway).replaceAll(".", "%2E");

function gatewayOf(folder: string): string | null {
  try {
    const gateway = decodeURIComponent(folder);
    return folderOf(gateway) === folder ? gateway : null;
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
