import { relative } from "node:path";

import type { Check } from "../../surfaces/cli/ground.ts";
import { tightenDataDirectory } from "../data-directory.ts";

/** That nobody else can read what the server makes or write what people made; `fix` mends it. */
export async function checkModes(dataDir: string, fix: boolean): Promise<Check[]> {
  const found = await tightenDataDirectory(dataDir, { apply: fix });
  if (found.length === 0) return [{ status: "ok", message: "only you can read the data directory" }];
  return found.map(({ path, from, to }) => {
    const name = relative(dataDir, path) === "" ? dataDir : relative(dataDir, path);
    if (fix) return { status: "ok", message: `${name}: mode ${from} is now ${to}`, fixed: true };
    return {
      status: "warn",
      message: `${name}: mode ${from} lets others in; it should be ${to}`,
      remedy: "duragent doctor --fix, or start the server",
    };
  });
}
