import type { ToolCall } from "../../schema/session-event.ts";

/** How patterns name a call: `tool`, or `tool:action` where it has an action. */
export function invocationOf(call: ToolCall): string {
  const action = argumentOf(call, "action");
  return typeof action === "string" ? `${call.tool_name}:${action}` : call.tool_name;
}

/** An argument's value; `undefined` where it is not given. */
export function argumentOf({ arguments: given }: ToolCall, name: string): unknown {
  return typeof given === "object" && given !== null && !Array.isArray(given) && Object.hasOwn(given, name)
    ? given[name]
    : undefined;
}

/** Whether two JSON values are equal; the order of an object's keys does not count. */
export function equalJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [Object.entries(a), new Map<string, unknown>(Object.entries(b))];
  return left.length === right.size && left.every(([key, value]) => right.has(key) && equalJson(value, right.get(key)));
}
