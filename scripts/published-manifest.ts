// `write` puts what is published in the place of package.json while npm packs, `restore` puts the original back.
import { existsSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

const manifestSchema = z.looseObject({ optionalDependencies: z.record(z.string(), z.string()).optional() });
type Manifest = z.infer<typeof manifestSchema>;

const root = join(import.meta.dirname, "..");
const current = join(root, "package.json");
const original = join(root, "package.unpublished.json");

if (import.meta.main) {
  if (process.argv[2] === "write") await write();
  else if (process.argv[2] === "restore") await restore();
  else throw new Error(`usage: published-manifest.ts write|restore, not "${process.argv[2] ?? ""}"`);
}

/**
 * A user brings their own Node, so the one from the registry is not a dependency of what is published; neither are the
 * tools and workspaces of development, whose names would only make npm warn.
 */
export function publishedManifest(manifest: Manifest): Manifest {
  const {
    scripts: _scripts,
    workspaces: _workspaces,
    devDependencies: _development,
    allowScripts: _allow,
    ...kept
  } = manifest;
  const optional = Object.entries(manifest.optionalDependencies ?? {}).filter(
    ([name]) => !name.startsWith("node-linux-"),
  );
  delete kept.optionalDependencies;
  return optional.length > 0 ? { ...kept, optionalDependencies: Object.fromEntries(optional) } : kept;
}

async function write(): Promise<void> {
  // A pack that was interrupted left the original here: it, not what stands in its place, is the source.
  if (existsSync(original)) await restore();
  const text = await readFile(current, "utf8");
  const manifest = manifestSchema.parse(JSON.parse(text));
  await writeFile(original, text);
  await writeFile(current, `${JSON.stringify(publishedManifest(manifest), null, 2)}\n`);
}

async function restore(): Promise<void> {
  await rename(original, current);
}
