import { constants } from "node:os";

import type { ToolResult } from "../../schema/session-event.ts";
import type { OutputText } from "./command-output.ts";

/** How a command ended: by itself, or because it was stopped. */
export type CommandEnd = {
  code: number | null;
  signal: string | null;
  stopped?: { why: "timeout"; afterMs: number } | { why: "cancelled"; reason: string };
};

const mayHaveTakenEffect = "it may have taken effect.";

/** What the model reads: the output, and before it, as its end may be cut off, how it ended wherever that was not well. */
export function commandResult(end: CommandEnd, output: OutputText): ToolResult {
  const { code, signal, stopped } = end;
  const isWell = stopped === undefined && code === 0;
  const ending = endingOf(end);
  const text = output.text.replace(/\n$/, "");
  const content = isWell ? text || `The command wrote nothing. ${ending}` : [ending, text].filter(Boolean).join("\n");
  const artifact = output.artifact instanceof Error ? undefined : output.artifact?.name;
  return {
    success: isWell,
    outcome: stopped === undefined ? (isWell ? "ok" : "error") : stopped.why,
    content,
    details: { exit_code: code, signal, output_bytes: output.totalBytes },
    ...(artifact === undefined ? {} : { artifact }),
  };
}

function endingOf({ code, signal, stopped }: CommandEnd): string {
  if (stopped?.why === "timeout")
    return `Timed out after ${stopped.afterMs / 1000} s and was stopped with all that it started; ${mayHaveTakenEffect}`;
  if (stopped !== undefined)
    return `Cancelled while it ran (${stopped.reason}) and stopped with all that it started; ${mayHaveTakenEffect}`;
  if (signal !== null) return `Killed by ${signal}.`;
  return `Exit code ${code ?? "unknown"}${meaningOf(code ?? 0)}.`;
}

/** As shells use them. */
function meaningOf(code: number): string {
  if (code === 126) return ": found, but it can not be run";
  if (code === 127) return ": no such command or program";
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return signal === undefined ? "" : `: ended by signal ${signal}`;
}
