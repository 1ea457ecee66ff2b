import { posix } from "node:path";

import { z } from "zod";

import { importsOf, resolved, type Finding, type SourceTree } from "../source-tree.ts";

const manifestSchema = z.object({
  name: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
  bin: z.record(z.string(), z.string()).default({}),
});

/** A gateway is a program of its own: it loads its own files, what its package.json names, and Node's modules. */
export function gatewayImportFindings(tree: SourceTree): Finding[] {
  return [...tree].flatMap(([path, source]) => {
    const [, folder] = /^(gateways\/[^/]+)\/src\/.*\.ts$/.exec(path) ?? [];
    if (folder === undefined) return [];
    const dependencies = manifestOf(tree, folder)?.dependencies ?? {};
    return importsOf(source).flatMap(({ specifier }) => {
      const target = resolved(path, specifier);
      if (target !== undefined)
        return target.startsWith(`${folder}/src/`)
          ? []
          : [{ path, problem: `imports ${target}, outside of its package` }];
      if (specifier.startsWith("node:")) return [];
      const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
      return Object.hasOwn(dependencies, name)
        ? []
        : [{ path, problem: `loads ${name}, which its package.json does not name` }];
    });
  });
}

/** Every package under gateways/ with a bin is in the table of those that come along, by that bin's name, and each of those is there. */
export function bundledGatewayFindings(
  tree: SourceTree,
  bundled: Readonly<Record<string, { readonly package: string }>>,
): Finding[] {
  const folders = new Set(
    [...tree.keys()].flatMap((path) => /^gateways\/[^/]+(?=\/package\.json$)/.exec(path)?.[0] ?? []),
  );
  const packages = [...folders].flatMap((folder) => {
    const { name = "", bin = {} } = manifestOf(tree, folder) ?? {};
    return Object.entries(bin).map(([command, file]) => ({ folder, name, command, file }));
  });
  const unlisted = packages
    .filter(({ name, command }) => !Object.hasOwn(bundled, command) || bundled[command]?.package !== name)
    .map(({ folder, command }) => ({
      path: folder,
      problem: `${command} is not in src/adapters/gateways/registry.ts`,
    }));
  const without = packages
    .filter(({ folder, file }) => !tree.has(posix.join(folder, file)))
    .map(({ folder, file }) => ({ path: folder, problem: `${file} is not there` }));
  const unknown = Object.keys(bundled)
    .filter((command) => packages.every((one) => one.command !== command))
    .map((command) => ({ path: "src/adapters/gateways/registry.ts", problem: `no package has the bin ${command}` }));
  return [...unlisted, ...without, ...unknown];
}

function manifestOf(tree: SourceTree, folder: string) {
  const text = tree.get(`${folder}/package.json`);
  return text === undefined ? undefined : manifestSchema.parse(JSON.parse(text));
}
