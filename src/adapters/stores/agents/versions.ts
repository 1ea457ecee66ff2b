import { dirname, join } from "node:path";

import type { AgentFiles } from "../../../ports/agent-store.ts";
import type { FileSystem } from "../../../ports/file-system.ts";

const homeEntry = ".home";

export type StoredVersion = { files: AgentFiles; home: string };

/** `agent-versions/DIGEST.tar`: agents as turns used them. Equal versions have equal bytes. */
export function createVersionFolder(folder: string, fileSystem: FileSystem) {
  const pathOf = (digest: string): string => {
    // The digest comes from a log, which somebody may have edited.
    if (!/^[0-9a-f]{64}$/.test(digest)) throw new RangeError(`not the digest of an agent: ${digest.slice(0, 80)}`);
    return join(folder, `${digest}.tar`);
  };
  return {
    async put(digest: string, version: StoredVersion): Promise<void> {
      const path = pathOf(digest);
      if ((await fileSystem.size(path)) !== null) {
        // Its bytes were synced before it got its name; a process that died may not have got to the name.
        await fileSystem.syncFolder(folder);
        return;
      }
      const { packTar } = await import("modern-tar");
      const entries = [[homeEntry, new TextEncoder().encode(version.home)] as const, ...version.files].map(
        ([name, bytes]) => ({
          header: { name, size: bytes.length, mtime: new Date(0), mode: 0o600, type: "file" as const },
          body: bytes,
        }),
      );
      await fileSystem.makeFolder(folder);
      await fileSystem.syncFolder(dirname(folder));
      await fileSystem.replace(path, await packTar(entries), { sync: true });
    },

    async get(digest: string): Promise<StoredVersion | undefined> {
      const path = pathOf(digest);
      if ((await fileSystem.size(path)) === null) return undefined;
      const { unpackTar } = await import("modern-tar");
      const entries = await unpackTar(await fileSystem.readFile(path), { strict: true });
      const files = new Map(entries.map(({ header, data }) => [header.name, data ?? new Uint8Array()]));
      const home = new TextDecoder().decode(files.get(homeEntry));
      files.delete(homeEntry);
      return { files, home };
    },
  };
}
