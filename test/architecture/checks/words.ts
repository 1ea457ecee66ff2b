import { posix } from "node:path";

import type { Finding, SourceTree } from "../source-tree.ts";

// Names that say nothing. Only as the last word: "data directory" is one of the project's words.
const emptyWord = new Set(
  "manager managers helper helpers util utils utility utilities service data info misc common".split(" "),
);

const isCode = (path: string) => /\.(ts|mjs)$/.test(path);

/** Files, folders and exports whose name ends in a word that fits everything. */
export function nameFindings(tree: SourceTree): Finding[] {
  return [...tree]
    .filter(([path]) => isCode(path))
    .flatMap(([path, source]) => {
      const parts = path.split("/").map((part) => posix.parse(part).name.replace(/\.test$/, ""));
      const named = parts.filter((part) => emptyWord.has(part.split(/[-_.]/).at(-1) ?? ""));
      const exported = source.matchAll(/^export (?:async )?(?:function\*?|const|class|type|interface) (\w+)/gm);
      const declared = Array.from(exported, ([, name = ""]) => name).filter((name) => emptyWord.has(lastWord(name)));
      return [...named, ...declared].map((name) => ({ path, problem: `the name ${name} says nothing` }));
    });
}

function lastWord(name: string): string {
  return (name.match(/[A-Z]?[a-z0-9]+|[A-Z]+/g)?.at(-1) ?? "").toLowerCase();
}

// Put together so that this file is not one of its own findings.
const unfinished = new RegExp(`\\b(?:${["TO" + "DO", "FIX" + "ME", "XX" + "X", "HA" + "CK"].join("|")})\\b`);

/** Work that was put off: what is not done is not in the tree, it is said elsewhere. */
export function unfinishedFindings(tree: SourceTree): Finding[] {
  return linesWith(tree, unfinished, isCode, "leaves work for later");
}

const foreign = new RegExp(
  ["/wo" + "rk/(?:main|shared)", "\\.\\./sha" + "red/", "/home/[a-z]+/", "/Users/[a-z]+/"].join("|"),
);

/** Paths that exist on one machine only. */
export function foreignPathFindings(tree: SourceTree): Finding[] {
  return linesWith(tree, foreign, () => true, "names a path of somebody's machine");
}

function linesWith(tree: SourceTree, pattern: RegExp, within: (path: string) => boolean, problem: string): Finding[] {
  return [...tree]
    .filter(([path]) => within(path))
    .flatMap(([path, source]) =>
      source
        .split("\n")
        .flatMap((line, index) => (pattern.test(line) ? [{ path: `${path}:${index + 1}`, problem }] : [])),
    );
}

/** Metrics that the code counts and the table does not know, and the other way round. */
export function metricFindings(tree: SourceTree, defined: readonly string[]): Finding[] {
  const used = new Set<string>();
  const unknown = [...tree]
    .filter(([path]) => path.startsWith("src/") && !path.endsWith("metrics/definitions.ts"))
    .flatMap(([path, source]) =>
      Array.from(source.matchAll(/["'`](duragent_[a-z_]+)["'`]/g))
        .map(([, name = ""]) => name)
        .filter((name) => (used.add(name), !defined.includes(name)))
        .map((name) => ({ path, problem: `counts ${name}, which is not in the table` })),
    );
  const unused = defined
    .filter((name) => !used.has(name))
    .map((name) => ({ path: "src/adapters/metrics/definitions.ts", problem: `nothing counts ${name}` }));
  return [...unknown, ...unused];
}
