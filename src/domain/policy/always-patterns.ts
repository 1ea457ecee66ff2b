import type { PolicyCall } from "../../ports/tool.ts";
import { plainCommands } from "./plain-commands.ts";
import { programName, refusal, shells } from "./refused-commands.ts";

/** Of these the second word says what is done. */
const withSubcommand = new Set(["git", "cargo", "docker", "npm", "kubectl", "pnpm", "go"]);

/**
 * What *always allow* keeps for a call: of a command line the beginning of each of its commands, of anything else its
 * exact text. Nothing where no pattern could allow it, or where the pattern would mean more than what was looked at.
 */
export function alwaysPatterns(call: PolicyCall): string[] {
  if (call.type !== "bash") return call.text.includes("*") ? [] : [`${call.type}:${call.text}`];
  const commands = plainCommands(call.text);
  if (commands === null || commands.some((command) => refusal(command) !== null)) return [];
  const patterns = commands.map((command) => {
    const count = wordsKept(command[0]?.text ?? "", command.length);
    const words = command.slice(0, count);
    const written = words.map(({ text }) => text);
    // `git *` or `docker -H *` would mean all that git or docker can do.
    if (words.length < count || (count === 2 && written[1]?.startsWith("-"))) return null;
    // What is put into the pattern must come out of it as the same words.
    const isWritable = words.every(({ text, fixed }) => fixed && /^[^\s*'"]+$/.test(text));
    return isWritable ? `bash:${written.join(" ")} *` : null;
  });
  return patterns.includes(null) ? [] : [...new Set(patterns.flatMap((pattern) => pattern ?? []))];
}

function wordsKept(name: string, count: number): number {
  const program = programName(name);
  // The first word of `bash check.sh` would allow every script there is.
  if (shells.has(program)) return count;
  return withSubcommand.has(program) ? 2 : 1;
}
