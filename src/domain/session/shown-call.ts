import type { Tool } from "../../ports/tool.ts";
import type { ToolCall } from "../../schema/session-event.ts";

/** UTF-16 units of all that is shown of a call which is no command line. */
export const shownLengthMax = 4_000;
/** For the mark that says that something was left out. */
const markLengthMax = 120;
const digestLength = 16;
/** Of one text inside the arguments: the first with which the whole is short enough. */
const textLengths = [2_000, 800, 300, 100, 40];

/**
 * What somebody who is asked about a call is shown: a command line as it is, and the name with the arguments as one line of
 * JSON for every other call. What is too long is shortened in its middle and then says the SHA-256 of the whole, so that
 * two calls never read alike. `digest`: hex.
 */
export function shownCall(
  described: ReturnType<Tool["describe"]>,
  call: Pick<ToolCall, "tool_name" | "arguments">,
  digest: (text: string) => string,
): string {
  const given = call.arguments;
  if (described.type !== "bash") return shortJson(call.tool_name, given, digest);
  const beside = besideCommand(given, described.text);
  return beside === null ? described.text : `${described.text}\n${shortJson(call.tool_name, beside, digest)}`;
}

/** What else a command line is started with: in another folder it is another command. */
function besideCommand(given: unknown, line: string): Record<string, unknown> | null {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return null;
  const beside = Object.entries(given).filter(
    ([name, value]) => name !== "action" && (name !== "command" || value !== line),
  );
  return beside.length === 0 ? null : Object.fromEntries(beside);
}

function shortJson(name: string, given: unknown, digest: (text: string) => string): string {
  const whole = JSON.stringify(given) ?? "";
  const shown = `${name} ${whole}`;
  if (shown.length <= shownLengthMax) return shown;
  const mark = ` (shortened; SHA-256 of the arguments: ${digest(whole).slice(0, digestLength)})`;
  const room = shownLengthMax - markLengthMax;
  for (const lengthMax of textLengths) {
    const shorter = `${name} ${JSON.stringify(given, (_, value: unknown) => (typeof value === "string" ? shortened(value, lengthMax) : value))}`;
    if (shorter.length <= room) return shorter + mark;
  }
  return shortened(shown, room - markLengthMax) + mark;
}

/** With both ends, and how much is missing between them. */
function shortened(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text;
  const half = Math.floor(lengthMax / 2);
  const head = /[\ud800-\udbff]$/.test(text.slice(0, half)) ? half - 1 : half;
  const tail = /^[\udc00-\udfff]/.test(text.slice(-half)) ? half - 1 : half;
  return `${text.slice(0, head)}[… ${text.length - head - tail} characters left out …]${text.slice(-tail)}`;
}
