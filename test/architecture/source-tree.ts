import { readdir, readFile } from "node:fs/promises";
import { join, posix } from "node:path";

/** Text files by their path from the root of the repository, with `/`. */
export type SourceTree = ReadonlyMap<string, string>;

/** What a check found: `path` and what is wrong there. */
export type Finding = { path: string; problem: string };

export type Import = {
  /** As written. */
  specifier: string;
  /** `value`: loaded at run time, also `import { type A }`, of which the loading stays. */
  kind: "value" | "type" | "dynamic";
};

const root = join(import.meta.dirname, "..", "..");
const textFile = /\.(ts|mjs|js|json|ya?ml|md|sh|css|html)$|(^|\/)(run|LICENSE|\.[a-z]+ignore|\.editorconfig)$/;
// What others made, and what the program itself makes in the repository's own workspace.
const left = /(^|\/)(node_modules|\.git|dist|package-lock\.json)$|^bench\/results$|^\.duragent\/(?!agents|directives)/;

/** The repository's own files below `folders` (`.`: all). Folders that are not there are empty. */
export async function readTree(...folders: string[]): Promise<SourceTree> {
  const tree = new Map<string, string>();
  for (const folder of folders) await readInto(tree, folder === "." ? "" : folder);
  return tree;
}

async function readInto(tree: Map<string, string>, folder: string): Promise<void> {
  for (const entry of await entriesOf(join(root, folder))) {
    const path = posix.join(folder, entry.name);
    if (left.test(path)) continue;
    if (entry.isDirectory()) await readInto(tree, path);
    else if (entry.isFile() && textFile.test(path)) tree.set(path, await readFile(join(root, path), "utf8"));
  }
}

async function entriesOf(path: string) {
  try {
    return await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

/** A tree for a test of a check, from path to source. */
export function treeOf(files: Record<string, string>): SourceTree {
  return new Map(Object.entries(files));
}

/**
 * Read as text: TypeScript 7 has no compiler API. The formatter puts every static import at the start of a line, which
 * is what is looked for; the lint rule consistent-type-imports leaves no `import()` types.
 */
export function importsOf(source: string): Import[] {
  const statics = source.matchAll(/^(?:import|export)\s+(type\s+)?(?:[\w*$\s{},]+?\s+from\s+)?["']([^"']+)["']/gm);
  const dynamics = source.matchAll(/^(?!\s*(?:\/\/|\*)).*?\bimport\(\s*["'`]([^"'`$]+)["'`]/gm);
  return [
    ...Array.from(statics, ([, type, specifier = ""]): Import => ({ specifier, kind: type ? "type" : "value" })),
    ...Array.from(dynamics, ([, specifier = ""]): Import => ({ specifier, kind: "dynamic" })),
  ];
}

/** The path that a relative import names, or `undefined` for a package or a module of Node. */
export function resolved(from: string, specifier: string): string | undefined {
  return specifier.startsWith(".") ? posix.join(posix.dirname(from), specifier) : undefined;
}
