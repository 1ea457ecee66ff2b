import type { CommandContext } from "../context.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import { readAll } from "./read-all.ts";

/** One line that nobody sees: typed without echo on a terminal, else all of stdin. Throws `interrupted` at ctrl-c. */
export async function readSecret(
  { stdin, stderr }: Pick<CommandContext, "stdin" | "stderr">,
  question: string,
): Promise<string> {
  if (stdin.isTTY !== true || stdin.setRawMode === undefined) return readAll(stdin);
  stderr.write(question);
  stdin.setRawMode(true);
  try {
    let typed = "";
    for await (const chunk of stdin) {
      for (const character of String(chunk)) {
        if (character === "\r" || character === "\n") return typed;
        if (character === "\u0003") throw new CommandFailure(exitCodes.interrupted, "interrupted");
        if (character === "\u0004") return typed;
        if (character === "\u007f" || character === "\b") typed = typed.slice(0, -1);
        else if (character === "\u0015") typed = "";
        else typed += character;
      }
    }
    return typed;
  } finally {
    stdin.setRawMode(false);
    stderr.write("\n");
  }
}
