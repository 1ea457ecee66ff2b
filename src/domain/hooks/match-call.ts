import type { ToolCall } from "../../schema/session-event.ts";

/** How patterns name a call: `tool`, or `tool:action` where it has an action. */
export function invocationOf(call: ToolCall): string {
  const action = argumentOf(call, "action");
  return typeof action === "string" ? `${call.tool_name}:${action}` : call.tool_name;
}

/** `*` stands for anything, also nothing; a pattern fits the whole text. */
export function fits(pattern: string, text: string): boolean {
  const [head = "", ...pieces] = pattern.split("*");
  const tail = pieces.pop();
  if (tail === undefined) return text === pattern;
  if (!text.startsWith(head)) return false;
  let at = head.length;
  for (const piece of pieces) {
    const found = text.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return text.length - at >= tail.length && text.endsWith(tail);
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
