import type { ToolCall, ToolResult } from "../../schema/session-event.ts";
import type { Hooks } from "./hooks.ts";
import { matchesExactly } from "../policy/pattern.ts";
import { argumentOf, equalJson, invocationOf } from "./match-call.ts";

/** What the model is reminded of after a call that succeeded; none where an argument is one that `unless` names. */
export function reminders(
  { after_tool: hooks }: Hooks,
  call: ToolCall,
  { success }: Pick<ToolResult, "success">,
): string[] {
  if (!success) return [];
  const invocation = invocationOf(call);
  const isExcepted = (unless: Readonly<Record<string, unknown>> = {}): boolean =>
    Object.entries(unless).some(([name, value]) => equalJson(argumentOf(call, name), value));
  return hooks
    .filter(({ match, unless }) => matchesExactly(match, invocation) && !isExcepted(unless))
    .map(({ message }) => message);
}

/** The result with what the model is reminded of below it. */
export function withReminders<Result extends ToolResult>(result: Result, said: readonly string[]): Result {
  if (said.length === 0) return result;
  return { ...result, content: `${result.content}\n\n[steering] ${said.join("\n")}` };
}
