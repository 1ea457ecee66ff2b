import { link, open, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { CommandFailure, exitCodes } from "../exit.ts";

/** Writes a file whole or not at all. Throws CommandFailure where one is there; `force`, where the command has that flag, replaces it. */
export async function saveFile(
  path: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  { force, shown }: { force?: boolean; shown: string },
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  const file = await open(temporary, "wx", 0o600);
  try {
    await pipeline(Readable.from(content), file.createWriteStream({ flush: true }));
    // A link fails where a rename would replace.
    if (force === true) await rename(temporary, path);
    else await link(temporary, path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    throw new CommandFailure(exitCodes.failed, `${shown} is there already`, {
      hint: force === undefined ? "name another file" : "name another file, or replace it with --force",
    });
  } finally {
    await rm(temporary, { force: true });
  }
}
