import { importsOf, resolved, type Finding, type SourceTree } from "../source-tree.ts";

/** Files that load each other, also by `import()`: which of them is complete first would depend on who starts. */
export function cycleFindings(tree: SourceTree): Finding[] {
  const edges = new Map(
    [...tree]
      .filter(([path]) => path.endsWith(".ts"))
      .map(([path, source]) => [path, loadedBy(path, source).filter((target) => tree.has(target))]),
  );
  const findings: Finding[] = [];
  const done = new Set<string>();
  const visit = (path: string, above: string[]): void => {
    const start = above.indexOf(path);
    if (start !== -1) findings.push({ path, problem: [...above.slice(start), path].join(" → ") });
    if (start !== -1 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...above, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return findings;
}

function loadedBy(path: string, source: string): string[] {
  return importsOf(source)
    .filter(({ kind }) => kind !== "type")
    .flatMap(({ specifier }) => resolved(path, specifier) ?? []);
}
