import { realpath } from "node:fs/promises";

import { nodeFileSystem } from "../adapters/file-system/node.ts";
import { DirectoryLock, lockedMessage } from "../adapters/stores/directory-lock.ts";
import type { Config } from "../schema/config.ts";
import { CommandFailure, exitCodes } from "../surfaces/cli/exit.ts";
import { makePrivateFolders, tightenDataDirectory, type Tightened } from "./data-directory.ts";

export type DataDirectory = AsyncDisposable & {
  /** Free of symbolic links. */
  readonly path: string;
  readonly lock: DirectoryLock;
  /** Modes that had to be mended. */
  readonly tightened: readonly Tightened[];
};

/**
 * Makes the data directory where it is missing, takes its lock and, with `tighten`, closes it to others. Disposing gives the lock back.
 * Throws CommandFailure 75 when another process holds it.
 */
export async function openDataDirectory(config: Config, options: { tighten: boolean }): Promise<DataDirectory> {
  await makePrivateFolders([config.dataDir]);
  const path = await realpath(config.dataDir);
  const taken = await DirectoryLock.acquire(nodeFileSystem, path);
  if (taken.kind === "locked") {
    throw new CommandFailure(exitCodes.locked, lockedMessage(path, taken.by), {
      hint: "`duragent serve status` says how it is, `duragent serve stop` stops it",
    });
  }
  const { lock } = taken;
  try {
    await makePrivateFolders([config.services.session.path, config.agents.dynamicPath]);
    return {
      path,
      lock,
      tightened: options.tighten ? await tightenDataDirectory(path, { apply: true }) : [],
      [Symbol.asyncDispose]: () => lock.release(),
    };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
