import { readFileSync } from "node:fs";

import { z } from "zod";

/** This package's version: package.json is as far from src/ as from a compiled dist/. */
export function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return z.object({ version: z.string() }).parse(manifest).version;
}
