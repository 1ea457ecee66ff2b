import { posix } from "node:path";

import { importsOf, resolved, type Finding, type SourceTree } from "../source-tree.ts";

/** Folders whose members are listed in a `registry.ts`; each of them, once it is there, must have one. */
export const listedFolders = [
  "src/adapters/models",
  "src/adapters/stores",
  "src/adapters/tools",
  "src/adapters/sandboxes",
  "src/adapters/gateways",
  "src/adapters/bus",
  "src/surfaces/cli/commands",
  "src/surfaces/http/routes",
];

/** A file beside a registry that can not be reached from it is a member that was forgotten, or dead. */
export function registryFindings(tree: SourceTree): Finding[] {
  return listedFolders.flatMap((folder) => {
    const inside = [...tree.keys()].filter((path) => path.startsWith(`${folder}/`) && path.endsWith(".ts"));
    if (inside.length === 0) return [];
    const registry = `${folder}/registry.ts`;
    if (!tree.has(registry)) return [{ path: folder, problem: "has no registry.ts" }];
    const listed = reachable(tree, registry);
    return inside
      .filter((path) => !listed.has(path))
      .map((path) => ({ path, problem: `is not listed in ${registry}` }));
  });
}

/** All that a file loads, directly or through others, itself included. */
export function reachable(tree: SourceTree, start: string): Set<string> {
  const found = new Set<string>();
  const visit = (path: string): void => {
    const source = tree.get(path);
    if (source === undefined || found.has(path)) return;
    found.add(path);
    for (const { specifier, kind } of importsOf(source)) {
      const target = kind === "type" ? undefined : resolved(path, specifier);
      if (target !== undefined) visit(target);
    }
  };
  visit(start);
  return found;
}

/** What a registry lists: the files that it loads itself, of its own folder. */
export function members(tree: SourceTree, folder: string): string[] {
  const registry = `${folder}/registry.ts`;
  return importsOf(tree.get(registry) ?? "")
    .filter(({ kind }) => kind !== "type")
    .flatMap(({ specifier }) => resolved(registry, specifier) ?? [])
    .filter((path) => posix.dirname(path).startsWith(folder));
}
