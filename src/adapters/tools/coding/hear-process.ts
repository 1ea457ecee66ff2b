import type { BackgroundProcesses, ProcessRecord } from "../../../ports/background-processes.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { ToolContext } from "../../../ports/tool.ts";
import { isJsonObject } from "../../../schema/json-object.ts";
import { boundedLines } from "../../bounded-lines.ts";
import { followProcess } from "../follow-process.ts";
import type { CodingAgent, Heard } from "./stream.ts";

/** A longer one is left out: no line that matters is so long. */
const lineBytesMax = 8 * 1024 * 1024;
const notesLengthMax = 2_000;

export type HeardAll = {
  /** `null`: cancelled. */
  ended: ProcessRecord | null;
  sessionId: string | undefined;
  result: string | undefined;
  error: string | undefined;
  /** The end of what was not JSON: mostly what it complained of. */
  notes: string;
};

/** Listens to a coding agent's stream from its first line to the process's end, and passes on what people can read. */
export async function hearProcess(
  handle: string,
  agent: CodingAgent,
  parts: { processes: BackgroundProcesses; clock: Clock },
  context: ToolContext,
): Promise<HeardAll> {
  const heard: Omit<HeardAll, "ended"> = { sessionId: undefined, result: undefined, error: undefined, notes: "" };
  const take = boundedLines(lineBytesMax, (line) => {
    if (line !== null) hearLine(line, agent, heard, context);
  });
  const ended = await followProcess(handle, parts, context, ({ buffer, byteOffset, length }) =>
    take(Buffer.from(buffer, byteOffset, length)),
  );
  // The last line may have no end of its own.
  take(Buffer.from("\n"));
  return { ...heard, ended };
}

function hearLine(line: string, agent: CodingAgent, heard: Omit<HeardAll, "ended">, context: ToolContext): void {
  const json = parsed(line);
  if (json === undefined) {
    if (line.trim() === "") return;
    heard.notes = `${heard.notes}${line}\n`.slice(-notesLengthMax);
    return context.onOutput(`${line}\n`);
  }
  const { sessionId, text, action, result, error }: Heard = agent.hear(json);
  heard.sessionId = sessionId ?? heard.sessionId;
  heard.result = result ?? text ?? heard.result;
  heard.error = error ?? heard.error;
  if (text !== undefined) context.onOutput(`${text}\n`);
  if (action !== undefined) context.onOutput(`› ${action}\n`);
  if (error !== undefined) context.onOutput(`! ${error}\n`);
}

function parsed(line: string) {
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) ? value : undefined;
  } catch {
    // Not its stream: stderr stands between its lines.
    return undefined;
  }
}
