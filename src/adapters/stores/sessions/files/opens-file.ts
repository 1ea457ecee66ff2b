import { z } from "zod";

import type { FileSystem } from "../../../../ports/file-system.ts";
import { isMissing } from "../../../error-code.ts";

/** At this count a session is not opened again by itself: it kills who opens it. */
export const fruitlessOpensMax = 4;

const opensSchema = z.object({ count: z.int().min(0), head: z.int().min(0).nullable() });

/**
 * How often a session has been acquired without a release or an outcome since. `head`: the log's last `seq` when counting
 * began; an outcome after it in the log shows that the session does work. `null`: not known, the log had not been opened.
 */
export type Opens = z.infer<typeof opensSchema>;

export async function readOpens(fs: FileSystem, path: string): Promise<Opens> {
  try {
    const parsed = opensSchema.safeParse(JSON.parse(Buffer.from(await fs.readFile(path)).toString("utf8")));
    return parsed.success ? parsed.data : { count: 0, head: null };
  } catch (error) {
    // A file that a crash left half written counts nothing; it is only a brake.
    if (isMissing(error) || error instanceof SyntaxError) return { count: 0, head: null };
    throw error;
  }
}

/** Not synced: it counts deaths of the process, which the page cache survives. */
export async function writeOpens(fs: FileSystem, path: string, opens: Opens): Promise<void> {
  if (opens.count === 0) await fs.remove(path);
  else await fs.replace(path, Buffer.from(`${JSON.stringify(opens)}\n`), { sync: false });
}
