import type { Finding, SourceTree } from "../source-tree.ts";

/** Of a file of code; near 80 is good. A test is read case by case: a suite may be longer. */
export const linesMax = 300;
const linesOfTestMax = 500;

const code = (tree: SourceTree) => [...tree].filter(([path]) => /\.(ts|mjs)$/.test(path));

export function sizeFindings(tree: SourceTree): Finding[] {
  return code(tree).flatMap(([path, source]) => {
    const lines = source.trimEnd().split("\n").length;
    const max = path.startsWith("test/") ? linesOfTestMax : linesMax;
    return lines > max ? [{ path, problem: `has ${lines} lines, at most ${max} are allowed` }] : [];
  });
}

/** What others import of a package has to be in one file. */
const packageEntries = new Set(["gateways/protocol/src/protocol.ts"]);

/** A file that only passes on what others export hides where things are, and makes cycles. */
export function barrelFindings(tree: SourceTree): Finding[] {
  return code(tree).flatMap(([path, source]) => {
    if (packageEntries.has(path)) return [];
    if (/(^|\/)index\.(ts|mjs)$/.test(path)) return [{ path, problem: "is named index: name it after what is in it" }];
    if (/^export \* /m.test(source)) return [{ path, problem: "exports all of another file" }];
    const passedOn = source.match(/^export (?:type )?\{[^}]*\} from /gm)?.length ?? 0;
    const own = source.match(
      /^(?:export )?(?:default |async |abstract |declare )*(?:function|class|const|let|type|interface)\*? [\w$]/gm,
    );
    return passedOn > 0 && own === null ? [{ path, problem: "only passes on what other files export" }] : [];
  });
}
