import { readFileSync } from "node:fs";

import { z } from "zod";

/** The version in a package.json, for `runGateway`. Throws where there is none. */
export function packageVersion(manifest: URL): string {
  const read: unknown = JSON.parse(readFileSync(manifest, "utf8"));
  return z.object({ version: z.string() }).parse(read).version;
}
