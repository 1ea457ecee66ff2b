import { terminalLine } from "../../../domain/terminal-text.ts";
import type { StoredProcess } from "./stored-process.ts";

const outputBytes = 2_000;
const commandLengthMax = 500;

export type ReadTail = (limitBytes: number) => Promise<{ text: string; isCut: boolean }>;

const statusText: Record<StoredProcess["status"]["state"], string> = {
  running: "running",
  completed: "completed",
  failed: "failed",
  killed: "killed",
  timed_out: "timed out",
  lost: "lost: it was gone when the server looked for it, and what became of it is not known",
};

/** What a session is told when a process has ended. The same record and log give the same text. */
export async function endMessage(process: StoredProcess, tail: ReadTail): Promise<string> {
  const { status, started_at: from, ended_at: to = from } = process;
  const seconds = Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
  return [
    "[Background Process Completed]",
    ...named(process),
    `Status: ${statusText[status.state]}`,
    ...("exit_code" in status ? [`Exit code: ${status.exit_code}`] : []),
    `Duration: ${seconds} s`,
    await outputText(tail),
  ].join("\n");
}

/** What a session is told when a process that it watches has fallen silent. `shown`: its screen, where it has one. */
export async function silenceMessage(
  process: StoredProcess,
  facts: { seconds: number; shown: string | undefined; isLast: boolean; tail: ReadTail },
): Promise<string> {
  return [
    `[Process ${process.handle} screen halted]`,
    ...named(process),
    `It has written nothing for ${facts.seconds} s.`,
    ...(facts.isLast ? ["This was told as often as may be: watch it again if you need more."] : []),
    facts.shown === undefined ? await outputText(facts.tail) : `Screen:\n${facts.shown}`,
  ].join("\n");
}

const named = ({ handle, label, command }: StoredProcess): string[] => [
  `Handle: ${handle}`,
  ...(label === undefined ? [] : [`Label: ${terminalLine(label, commandLengthMax)}`]),
  `Command: ${terminalLine(command, commandLengthMax)}`,
];

async function outputText(tail: ReadTail): Promise<string> {
  const { text, isCut } = await tail(outputBytes);
  if (text.trim() === "") return "Output: none";
  return `Output${isCut ? ` (the last ${outputBytes} bytes)` : ""}:\n${text}`;
}
