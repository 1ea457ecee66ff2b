import { posix } from "node:path";

import { importsOf, resolved, type Finding, type SourceTree } from "../source-tree.ts";

/** Folders whose members are listed in a `registry.ts`; each of them, once it is there, must have one. Gateways are packages: see gateways.ts. */
export const listedFolders = [
  "src/adapters/models",
  "src/adapters/stores",
  "src/adapters/tools",
  "src/adapters/sandboxes",
  "src/adapters/bus",
  "src/surfaces/cli/commands",
  "src/surfaces/http/routes",
];

/** A file beside a registry that can not be reached from it is a member that was forgotten, or dead; types are no members. */
export function registryFindings(tree: SourceTree): Finding[] {
  return listedFolders.flatMap((folder) => {
    const inside = [...tree]
      .filter(([path, source]) => path.startsWith(`${folder}/`) && isMemberOf(folder, path) && exportsValues(source))
      .map(([path]) => path);
    if (inside.length === 0) return [];
    const registry = `${folder}/registry.ts`;
    if (!tree.has(registry)) return [{ path: folder, problem: "has no registry.ts" }];
    const listed = reachable(tree, registry);
    return inside
      .filter((path) => !listed.has(path))
      .map((path) => ({ path, problem: `is not listed in ${registry}` }));
  });
}

/** Stores stand one folder deeper, by kind; what lies beside the kinds is shared by them. */
function isMemberOf(folder: string, path: string): boolean {
  return path.endsWith(".ts") && !(folder.endsWith("/stores") && posix.dirname(path) === folder);
}

const exportsValues = (source: string): boolean => /^export (?!type |interface )/m.test(source);

/** All that a file loads, directly or through others, itself included. */
function reachable(tree: SourceTree, start: string): Set<string> {
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
function members(tree: SourceTree, folder: string): string[] {
  const registry = `${folder}/registry.ts`;
  return importsOf(tree.get(registry) ?? "")
    .filter(({ kind }) => kind !== "type")
    .flatMap(({ specifier }) => resolved(registry, specifier) ?? [])
    .filter((path) => posix.dirname(path).startsWith(folder));
}

/** Which tests hold all members of one kind to the same. Where a kind has one backend only, its own test is the suite. */
const suites: Record<string, readonly string[]> = {
  "src/adapters/models/": ["test/adapters/models/dialects.test.ts", "test/adapters/models/scripted.test.ts"],
  "src/adapters/stores/agents/": ["test/suites/agent-store.ts"],
  "src/adapters/stores/memory/": ["test/suites/memory-store.ts"],
  "src/adapters/stores/artifacts/": ["test/suites/artifact-store.ts"],
  "src/adapters/stores/chats/": ["test/suites/chat-index.ts"],
  "src/adapters/stores/sessions/": ["test/suites/session-store.ts"],
};

/**
 * Members of a registry of adapters that their port's suite never sees: no test that is, or uses, the suite imports the
 * member or names it in quotes. Takes the sources and the tests.
 */
export function coverageFindings(tree: SourceTree): Finding[] {
  const adapters = listedFolders.filter((folder) => folder.startsWith("src/adapters/"));
  const tests = [...tree.keys()].filter((path) => path.startsWith("test/"));
  return adapters
    .flatMap((folder) => members(tree, folder))
    .flatMap((member) => {
      const used = Object.entries(suites).find(([folder]) => member.startsWith(folder))?.[1];
      const name = `"${posix.parse(member).name}"`;
      const covered = tests.some((path) => {
        if (used === undefined) return imports(tree, path, member);
        const isSuite = used.includes(path) || used.some((suite) => imports(tree, path, suite));
        return isSuite && (imports(tree, path, member) || tree.get(path)?.includes(name));
      });
      return covered
        ? []
        : [{ path: member, problem: `is not covered by ${used?.join(" or ") ?? "a test of its own"}` }];
    });
}

function imports(tree: SourceTree, path: string, target: string): boolean {
  return importsOf(tree.get(path) ?? "").some(
    ({ specifier, kind }) => kind !== "type" && resolved(path, specifier) === target,
  );
}
