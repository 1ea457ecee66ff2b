import { appliesTo, inOrder, matchesExactly, matchesWhole, type PolicyPattern } from "./pattern.ts";
import type { PlainCommand } from "./plain-commands.ts";
import { programName } from "./refused-commands.ts";
import type { SeenCommand } from "./seen-commands.ts";

/** The words of a prefix; of `git log *` the last says nothing more. Empty: any command. */
function prefixOf({ text }: PolicyPattern): string[] {
  const words = text.split(/\s+/).filter((word) => word !== "");
  while (words.at(-1) === "*") words.pop();
  return words;
}

/** Whether a plain command begins with the words of a pattern. Capitals count, and so does every `/` of its name. */
export function allowsCommand(pattern: PolicyPattern, command: PlainCommand): boolean {
  if (!appliesTo(pattern, "bash")) return false;
  return prefixOf(pattern).every((word, index) => {
    const given = command[index];
    return given !== undefined && given.fixed && matchesExactly(word, given.text);
  });
}

export type Certainty = "yes" | "maybe" | "no";

/** Whether a command that was seen is what a deny or ask pattern names, by whatever path or in whatever case its name is written. */
export function namesCommand(pattern: PolicyPattern, command: SeenCommand): Certainty {
  const prefix = prefixOf(pattern);
  for (const [index, word] of prefix.entries()) {
    const given = command.words[index];
    if (given === undefined) return command.open ? "maybe" : "no";
    // An expansion may become any number of words, so nothing after it stands where it seems to.
    if (given === null) return "maybe";
    const isName = index === 0 && !word.includes("/");
    if (!matchesWhole(word, given) && !(isName && matchesWhole(word, programName(given)))) return "no";
  }
  return "yes";
}

/**
 * Whether a whole command line has the pieces of a pattern in it: for patterns that hold more than words, such as
 * `curl *| bash`, and can be no prefix of one command.
 */
export function namesLine(pattern: PolicyPattern, line: string): boolean {
  if (!/[|&;<>()$`]/.test(pattern.text)) return false;
  const pieces = pattern.text.toLowerCase().split("*");
  return inOrder(
    pieces.map((piece) => piece.trim()).filter((piece) => piece !== ""),
    line.toLowerCase(),
  );
}
