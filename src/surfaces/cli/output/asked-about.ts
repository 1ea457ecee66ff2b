import type { ToolCall } from "../../../schema/session-event.ts";

/** What a question is about: the command line or the name of the call, and under it all else that it was given, to be read. */
export function askedAbout(command: string, call: Pick<ToolCall, "tool_name" | "arguments"> | undefined): string {
  const given = call?.arguments;
  if (call === undefined || typeof given !== "object" || given === null || Array.isArray(given)) return command;
  const shownAs = lineOf(command, given, call.tool_name) ?? nameOf(command, call.tool_name);
  const beside = Object.entries(given).filter(([name, value]) => value !== undefined && !isNamed(shownAs, name, value));
  return [shownAs, ...beside.map(([name, value]) => `${name}: ${shown(value)}`)].join("\n");
}

/** Without the arguments that the server shows as JSON below a command line. */
function lineOf(command: string, { command: line }: Record<string, unknown>, tool: string): string | null {
  if (typeof line !== "string") return null;
  return command === line || command.startsWith(`${line}\n${tool} {`) ? line : null;
}

const nameOf = (command: string, tool: string): string => (command.startsWith(`${tool} {`) ? tool : command);

/** `background_process:write` says its action. */
const isNamed = (shownAs: string, name: string, value: unknown): boolean =>
  typeof value === "string" &&
  ((name === "command" && value === shownAs) || (name === "action" && shownAs.endsWith(`:${value}`)));

// Further in than a name: a line of a value must not look like the next one.
const shown = (value: unknown): string =>
  (typeof value === "string" ? value : JSON.stringify(value)).replaceAll("\n", "\n  ");
