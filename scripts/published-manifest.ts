// For the package in the working directory: `write` puts what is published in the place of package.json while npm packs,
// `restore` puts the original back.
import { existsSync } from "node:fs";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { z } from "zod";

const manifestSchema = z.looseObject({
  optionalDependencies: z.record(z.string(), z.string()).optional(),
  exports: z.record(z.string(), z.json()).optional(),
});
export type Manifest = z.infer<typeof manifestSchema>;

const current = join(process.cwd(), "package.json");
const original = join(process.cwd(), "package.unpublished.json");

if (import.meta.main) {
  if (process.argv[2] === "write") await write();
  else if (process.argv[2] === "restore") await restore();
  else throw new Error(`usage: published-manifest.ts write|restore, not "${process.argv[2] ?? ""}"`);
}

/**
 * A user brings their own Node, so the one from the registry is not a dependency of what is published; neither are the
 * tools and workspaces of development, whose names would only make npm warn. What a workspace exports as source is
 * published as what was compiled from it.
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
  if (optional.length > 0) kept.optionalDependencies = Object.fromEntries(optional);
  if (kept.exports)
    kept.exports = Object.fromEntries(Object.entries(kept.exports).map(([name, file]) => [name, compiled(file)]));
  return kept;
}

type Target = NonNullable<Manifest["exports"]>[string];

function compiled(file: Target): Target {
  const [, path] = typeof file === "string" ? (/^\.\/src\/(.*)\.ts$/.exec(file) ?? []) : [];
  return path === undefined ? file : { types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` };
}

/** The text of a package.json. */
export function parseManifest(text: string): Manifest {
  return manifestSchema.parse(JSON.parse(text));
}

async function write(): Promise<void> {
  // A pack that was interrupted left the original here: it, not what stands in its place, is the source.
  if (existsSync(original)) await restore();
  const text = await readFile(current, "utf8");
  await writeFile(original, text);
  await writeFile(current, `${JSON.stringify(publishedManifest(parseManifest(text)), null, 2)}\n`);
}

async function restore(): Promise<void> {
  await rename(original, current);
}
