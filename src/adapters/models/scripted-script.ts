import { LineCounter, parseDocument } from "yaml";

import { modelScriptSchema, type ModelScript } from "../../schema/model-script.ts";
import { DuragentError } from "../../schema/problem.ts";

/** A script is at most this long. */
export const scriptBytesMax = 256 * 1024;
// Enough for shared pieces, too few for a document that multiplies itself.
const aliasesMax = 100;

export type ScriptRule = ModelScript["rules"][number] & { pattern: RegExp | undefined };
export type Script = Omit<ModelScript, "rules"> & { path: string; rules: ScriptRule[] };

type Fault = { path: string; message: string };

/** Parses and checks a script. Throws DuragentError `unprocessable` that names file, line and column of each fault. */
export function parseScript(path: string, bytes: Uint8Array): Script {
  if (bytes.length > scriptBytesMax) {
    throw invalid([{ path, message: `${path}: is ${bytes.length} bytes long; a script may have ${scriptBytesMax}` }]);
  }
  const lines = new LineCounter();
  const document = parseDocument(new TextDecoder().decode(bytes), { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    throw invalid(document.errors.map((error) => ({ path, message: `${at(error.pos[0])}: ${error.message}` })));
  }

  /** Where the node at `keys` stands, or the nearest one around it. */
  const locate = (keys: readonly PropertyKey[]): string => {
    for (let length = keys.length; length >= 0; length -= 1) {
      const node: unknown = document.getIn(keys.slice(0, length), true);
      const offset = startOf(node);
      if (offset !== undefined) return at(offset);
    }
    return at(0);
  };
  const fault = (keys: readonly PropertyKey[], message: string): Fault => ({
    path: keys.map(String).join("."),
    message: `${locate(keys)}: ${keys.length > 0 ? `${keys.map(String).join(".")}: ` : ""}${message}`,
  });

  const parsed = modelScriptSchema.safeParse(toPlain(document, path));
  if (!parsed.success) throw invalid(parsed.error.issues.map((issue) => fault(issue.path, issue.message)));

  const faults: Fault[] = [];
  const rules = parsed.data.rules.map((rule, index): ScriptRule => {
    if (rule.when === undefined) return { ...rule, pattern: undefined };
    try {
      // `s`: a message may have several lines; `u`: a group never splits a character.
      return { ...rule, pattern: new RegExp(rule.when, "su") };
    } catch (error) {
      faults.push(fault(["rules", index, "when"], error instanceof Error ? error.message : String(error)));
      return { ...rule, pattern: undefined };
    }
  });
  if (faults.length > 0) throw invalid(faults);
  return { ...parsed.data, path, rules };
}

function toPlain(document: ReturnType<typeof parseDocument>, path: string): unknown {
  try {
    return document.toJS({ maxAliasCount: aliasesMax });
  } catch (error) {
    throw invalid([{ path, message: `${path}: ${error instanceof Error ? error.message : String(error)}` }]);
  }
}

function startOf(node: unknown): number | undefined {
  if (typeof node !== "object" || node === null || !("range" in node) || !Array.isArray(node.range)) return undefined;
  const start: unknown = node.range[0];
  return typeof start === "number" ? start : undefined;
}

function invalid(errors: Fault[]): DuragentError {
  const first = errors[0]?.message ?? "not a script";
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  return new DuragentError("unprocessable", `the model's script is not valid: ${first}${more}`, { errors });
}
