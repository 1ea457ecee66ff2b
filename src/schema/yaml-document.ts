import { parseDocument } from "yaml";

import { quoted } from "./suggestion.ts";
import { maskReferences } from "./yaml-mask.ts";
import { buildTree, type Placed, type TreeProblem } from "./yaml-tree.ts";

/** No file that is read as YAML may be larger. */
export const yamlBytesMax = 256 * 1024;
const problemsMax = 50;

/** What is wrong where. Line and column count from 1, columns in UTF-16 units. */
export type YamlError = {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  /** The key, e.g. `server.port` or `tools[0].name`. */
  readonly path?: string;
  readonly message: string;
};

export type YamlPath = readonly PropertyKey[];

/** A document that is well-formed: what `parseYaml` gives to a schema. */
export type YamlDocument = {
  readonly file: string;
  readonly root: Placed;
  /** An error at a place of the text. */
  at(offset: number, message: string, path?: string): YamlError;
};

export type ReadYaml =
  | { readonly ok: true; readonly document: YamlDocument }
  | { readonly ok: false; readonly errors: YamlError[] };

/**
 * Reads one YAML document from a file's bytes: at most 256 KiB, 64 levels, 100,000 values with aliases followed.
 * With `variable`, references to variables are replaced; without it a `$` is a `$`.
 */
export function readYaml(
  bytes: Uint8Array | string,
  options: { file: string; variable?: (name: string) => string | undefined },
): ReadYaml {
  const { file } = options;
  const size = typeof bytes === "string" ? new TextEncoder().encode(bytes).length : bytes.length;
  if (size > yamlBytesMax) {
    return { ok: false, errors: [{ file, message: `${size} bytes; at most ${yamlBytesMax} are read` }] };
  }
  const text = (typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes)).replace(/^\uFEFF/, "");
  const place = placesIn(text);
  const at = (offset: number, message: string, path?: string): YamlError => ({
    file,
    ...place(offset),
    ...(path === undefined ? {} : { path }),
    message,
  });
  const failed = (problems: readonly TreeProblem[]): ReadYaml => ({
    ok: false,
    errors: problems
      .toSorted((a, b) => a.offset - b.offset)
      // What follows at the same place is a consequence of the first.
      .filter((problem, index, all) => problem.offset !== all[index - 1]?.offset)
      .slice(0, problemsMax)
      .map(({ offset, message }) => at(offset, message)),
  });

  if (typeof bytes !== "string" && !isUtf8(bytes)) {
    return failed([{ offset: Math.max(0, text.indexOf("\uFFFD")), message: "not valid UTF-8 here" }]);
  }
  const masked = options.variable === undefined ? undefined : maskReferences(text);
  const document = parseDocument(masked?.text ?? text, {
    schema: "failsafe",
    stringKeys: true,
    // Its check compares every key with every other: seconds for a file of keys. The tree looks for repeats itself.
    uniqueKeys: false,
    prettyErrors: false,
    // With "silent" a second document would go unnoticed.
    logLevel: "error",
  });
  if (document.errors.length > 0) {
    return failed(document.errors.map((error) => ({ offset: error.pos[0], message: syntaxMessage(error.message) })));
  }
  const treeOptions = masked === undefined ? {} : { masked, variable: options.variable ?? (() => undefined) };
  const { root, problems } = buildTree(document, treeOptions);
  return problems.length > 0 ? failed(problems) : { ok: true, document: { file, root, at } };
}

/** One line for a person: `duragent.yaml:3:5: server.port: expected a number, found text`. */
export function yamlErrorLine(error: YamlError): string {
  const place = error.line === undefined ? error.file : `${error.file}:${error.line}:${error.column ?? 1}`;
  return error.path === undefined || error.path === ""
    ? `${place}: ${error.message}`
    : `${place}: ${error.path}: ${error.message}`;
}

function syntaxMessage(message: string): string {
  if (message.includes("call stack")) return "nested too deeply";
  if (message.includes("multiple documents")) return "a second document begins here; only one is read";
  const [first = message] = message.split("\n");
  return first.length > 200 ? quoted(first) : first;
}

function placesIn(text: string): (offset: number) => { line: number; column: number } {
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  return (offset) => {
    let low = 0;
    let high = starts.length;
    while (low + 1 < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] ?? 0) <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - (starts[low] ?? 0) + 1 };
  };
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false;
    throw error;
  }
}
