import type { ToolCall } from "../../../schema/session-event.ts";

/** What a question is about: the command as policy names it, and under it all else that the call was given. */
export function askedAbout(command: string, given: ToolCall["arguments"] | undefined): string {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return command;
  const beside = Object.entries(given).filter(([name, value]) => value !== undefined && !isNamed(command, name, value));
  return [command, ...beside.map(([name, value]) => `${name}: ${shown(value)}`)].join("\n");
}

/** `background_process:write` says its action. */
const isNamed = (command: string, name: string, value: unknown): boolean =>
  typeof value === "string" &&
  ((name === "command" && value === command) || (name === "action" && command.endsWith(`:${value}`)));

// Further in than a name: a line of a value must not look like the next one.
const shown = (value: unknown): string =>
  (typeof value === "string" ? value : JSON.stringify(value)).replaceAll("\n", "\n  ");
