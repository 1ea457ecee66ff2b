import { modelScriptSchema, type ModelScript } from "../../schema/model-script.ts";
import { offsetOf, parseYaml } from "../../schema/parse-yaml.ts";
import { DuragentError } from "../../schema/problem.ts";
import { readYaml, yamlErrorLine, type YamlDocument, type YamlError } from "../../schema/yaml-document.ts";

export type ScriptRule = ModelScript["rules"][number] & { pattern: RegExp | undefined };
export type Script = Omit<ModelScript, "rules"> & { path: string; rules: ScriptRule[] };

/** Parses and checks a script. Throws DuragentError `unprocessable` that names file, line and column of each fault. */
export function parseScript(path: string, bytes: Uint8Array): Script {
  const read = readYaml(bytes, { file: path });
  if (!read.ok) throw invalid(read.errors);
  const parsed = parseYaml(read.document, modelScriptSchema);
  if (!parsed.ok) throw invalid(parsed.errors);

  const faults: YamlError[] = [];
  const rules = parsed.value.rules.map((rule, index): ScriptRule => {
    const pattern = rule.when === undefined ? undefined : compile(rule.when);
    if (typeof pattern === "string") faults.push(patternFault(read.document, index, pattern));
    return { ...rule, pattern: typeof pattern === "string" ? undefined : pattern };
  });
  if (faults.length > 0) throw invalid(faults);
  return { ...parsed.value, path, rules };
}

/** The expression, or what is wrong with it. `s`: a message may have several lines; `u`: a group never splits a character. */
function compile(pattern: string): RegExp | string {
  try {
    return new RegExp(pattern, "su");
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function patternFault(document: YamlDocument, index: number, message: string): YamlError {
  return document.at(offsetOf(document.root, ["rules", index, "when"], false), message, `rules[${index}].when`);
}

function invalid(errors: readonly YamlError[]): DuragentError {
  const lines = errors.map((error) => ({ path: error.path ?? error.file, message: yamlErrorLine(error) }));
  const more = lines.length > 1 ? ` (and ${lines.length - 1} more)` : "";
  return new DuragentError("unprocessable", `the model's script is not valid: ${lines[0]?.message}${more}`, {
    errors: lines,
  });
}
