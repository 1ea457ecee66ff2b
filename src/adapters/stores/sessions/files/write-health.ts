import { join } from "node:path";

import type { FileSystem } from "../../../../ports/file-system.ts";
import { storageError } from "../../storage-error.ts";
import type { IdentityLog } from "./identity-log.ts";

/** As much as an event needs: a file system that has no room for it has none for a log. */
const probeBytes = 4096;

/** Whether the store can be written to. The disk is tried only after a write has failed. */
export class WriteHealth {
  readonly #fs: FileSystem;
  readonly #probe: string;
  readonly #identity: IdentityLog;
  #isFailing = false;

  constructor(fs: FileSystem, sessions: string, identity: IdentityLog) {
    this.#fs = fs;
    this.#probe = join(sessions, ".probe");
    this.#identity = identity;
  }

  failed(): void {
    this.#isFailing = true;
  }

  succeeded(): void {
    this.#isFailing = false;
  }

  async check(): Promise<{ ok: boolean; detail?: string }> {
    if (this.#isFailing) {
      try {
        await this.#fs.replace(this.#probe, Buffer.alloc(probeBytes), { sync: true });
        await this.#fs.remove(this.#probe);
        this.#isFailing = false;
      } catch (error) {
        return { ok: false, detail: storageError("the session store can not be written to", error).message };
      }
    }
    const [bad] = this.#identity.badLines;
    return { ok: true, ...(bad !== undefined && { detail: bad }) };
  }
}
