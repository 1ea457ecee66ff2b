import { terminalLine } from "../../../domain/terminal-text.ts";
import type { CommandContext } from "../context.ts";
import { CommandFailure, exitCodes } from "../exit.ts";

export type Choice = { value: string; label: string; hint?: string };

/** Lets a person choose; where nobody sits at a terminal it is an error of usage that lists what could be named. */
export async function pick(
  context: Pick<CommandContext, "stdin" | "stdout">,
  question: string,
  choices: readonly Choice[],
  howToName: string,
): Promise<string> {
  if (context.stdin.isTTY !== true || context.stdout.isTTY !== true) {
    throw new CommandFailure(exitCodes.usage, `${question} ${choices.map(({ label }) => label).join(", ")}`, {
      hint: howToName,
    });
  }
  const prompts = await import("@clack/prompts");
  const options = choices.map(({ value, label, hint }) => ({
    value,
    label: terminalLine(label),
    ...(hint === undefined ? {} : { hint: terminalLine(hint) }),
  }));
  const picked = await prompts.select({ message: question, options, input: context.stdin, output: context.stdout });
  if (prompts.isCancel(picked)) throw new CommandFailure(exitCodes.interrupted, "nothing was chosen");
  return picked;
}
