import type { ModelRequest } from "../../ports/model.ts";
import type { Script, ScriptRule } from "./scripted-script.ts";

type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/** What the script makes of a conversation: some text, a call, or both. */
export type ScriptedAnswer = { text: string; tool: { name: string; arguments: JsonValue } | undefined };

/**
 * The first rule that fits. After a tool's result these are the rules with `after_tool`, then those that only say something:
 * a rule that calls a tool for a message must not call it again for its own result.
 */
export function answerOf(script: Script, request: ModelRequest): ScriptedAnswer | undefined {
  const input = request.messages.findLast((message) => message.role === "user")?.content ?? "";
  const lastResult = request.messages.findLast((message) => message.role === "tool")?.results.at(-1);
  const last = request.messages.at(-1);
  const toolName = last?.role === "tool" ? last.results.at(-1)?.toolName : undefined;

  const stages: ((rule: ScriptRule) => boolean)[] =
    toolName === undefined
      ? [(rule) => rule.after_tool === undefined]
      : [(rule) => rule.after_tool === toolName, (rule) => rule.after_tool === undefined && rule.tool === undefined];
  for (const eligible of stages) {
    for (const rule of script.rules) {
      if (!eligible(rule)) continue;
      const groups = rule.pattern === undefined ? [] : rule.pattern.exec(input);
      if (groups === null) continue;
      const fill = (text: string): string => fillIn(text, { groups, input, result: lastResult?.content ?? "" });
      return {
        text: rule.say === undefined ? "" : fill(rule.say),
        tool: rule.tool && { name: rule.tool.name, arguments: fillDeep(rule.tool.arguments, fill) },
      };
    }
  }
  return undefined;
}

// One pass, so that a `{{…}}` in what a user wrote is never filled in itself; unknown names stay as they are.
function fillIn(text: string, values: { groups: readonly string[]; input: string; result: string }): string {
  return text.replace(/\{\{\s*(input|result|\d{1,2})\s*\}\}/g, (_whole, name: string) => {
    if (name === "input") return values.input;
    if (name === "result") return values.result;
    return values.groups[Number(name)] ?? "";
  });
}

function fillDeep(value: JsonValue, fill: (text: string) => string): JsonValue {
  if (typeof value === "string") return fill(value);
  if (Array.isArray(value)) return value.map((item) => fillDeep(item, fill));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fillDeep(item, fill)]));
}
