import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";

import type { Clock } from "../../../ports/clock.ts";
import { DuragentError } from "../../../schema/problem.ts";
import { hasCode } from "../../error-code.ts";

const takeMs = 10_000;
const openMs = 1_000;
const betweenTriesMs = 20;

/** Writes all of a text to the named pipe that is a process's stdin. Throws `conflict` where nobody reads, or takes nothing for 10 s. */
export async function writeStandardInput(path: string, text: string, clock: Clock): Promise<void> {
  await using pipe = await openPipe(path, clock);
  const bytes = Buffer.from(text);
  let until = clock.monotonic() + takeMs;
  for (let at = 0; at < bytes.length;) {
    const written = await writeSome(pipe, bytes.subarray(at));
    at += written;
    if (written > 0) until = clock.monotonic() + takeMs;
    else if (clock.monotonic() >= until)
      throw new DuragentError("conflict", `it took ${at} of ${bytes.length} bytes, and then nothing for 10 s`);
    else await clock.sleep(betweenTriesMs);
  }
}

async function openPipe(path: string, clock: Clock): Promise<FileHandle> {
  const until = clock.monotonic() + openMs;
  for (;;) {
    try {
      return await open(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    } catch (error) {
      // Nobody reads it: its process has only just been started, or has closed its stdin.
      if (clock.monotonic() >= until) throw new DuragentError("conflict", "it does not take input", { cause: error });
      await clock.sleep(betweenTriesMs);
    }
  }
}

async function writeSome(pipe: FileHandle, bytes: Uint8Array): Promise<number> {
  try {
    return (await pipe.write(bytes)).bytesWritten;
  } catch (error) {
    // Full: it reads more slowly than we write.
    if (hasCode(error, "EAGAIN")) return 0;
    throw new DuragentError("conflict", "it has closed its stdin", { cause: error });
  }
}
