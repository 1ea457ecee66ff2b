import { programName, shells, wrappers } from "./refused-commands.ts";

/** A command as it would be run. `null`: a word that only the shell will know. */
export type SeenCommand = {
  readonly words: readonly (string | null)[];
  /** More words may follow. */
  readonly open: boolean;
  /** What is fed to it from the command line itself. */
  readonly fed: readonly string[];
};

/** Every simple command of a command line, however deep inside; `null`: it can not be read. */
export type ShellReader = (line: string) => SeenCommand[] | null;

const commandsMax = 2_000;
const depthMax = 8;
/** Something that only the shell will know. */
const unknown: SeenCommand = { words: [null], open: true, fed: [] };

/**
 * All that a command line might run, and what its commands would run in turn: the words after `sudo`, `env`, `xargs` or
 * `find -exec`, the texts given to `bash -c` or `eval`. Finds too much rather than too little: it is for denying.
 */
export function everyCommand(line: string, read: ShellReader): SeenCommand[] | null {
  const found: SeenCommand[] = [];
  const visitLine = (text: string, depth: number): boolean => {
    const commands = depth > depthMax ? null : read(text);
    if (commands === null || found.length + commands.length > commandsMax) return false;
    return commands.every((command) => visit(command, depth));
  };
  const visit = (command: SeenCommand, depth: number): boolean => {
    if (found.length >= commandsMax) return false;
    found.push(command);
    const [first, ...rest] = command.words;
    if (first === undefined || first === null) return true;
    const name = programName(first);
    if (takesText.has(name) || shells.has(name)) {
      const texts = [...rest, ...command.fed];
      const reads = name === "." || name === "source" || !rest.some((word) => word === null || !word.startsWith("-"));
      if (texts.includes(null) || reads) found.push(unknown);
      // Not every argument is a command line: what can not be read as one leaves it open whether something is run.
      for (const text of texts) if (text !== null && !visitLine(text, depth + 1)) found.push(unknown);
      if (name === "eval" && !rest.includes(null) && !visitLine(rest.join(" "), depth + 1)) found.push(unknown);
    }
    if (!wrappers.has(name) && !runsItsWords.has(name)) return true;
    const open = command.open || name === "xargs" || name === "parallel";
    return rest.every((_, index) => {
      const before = rest[index - 1] ?? "";
      if (!wrappers.has(name) && !runsWhatFollows.test(before)) return true;
      return visitSuffix(rest.slice(index), { open, depth });
    });
  };
  const visitSuffix = (words: SeenCommand["words"], { open, depth }: { open: boolean; depth: number }): boolean => {
    const [first] = words;
    if (first === undefined) return true;
    // An option or an assignment, such as those of env, is no command; what follows it comes in its turn.
    const isOption = first !== null && /^-|^\w+=/.test(first);
    // env -S "rm x", also as -S"rm x".
    const text = isOption ? first.replace(/^(?:--[\w-]+=|-\w|\w+=)/, "") : first;
    if (text !== null && /\s/.test(text) && !visitLine(text, depth + 1)) found.push(unknown);
    if (isOption) return true;
    const nested = first !== null && (wrappers.has(programName(first)) || runsItsWords.has(programName(first)));
    // Its own words have their turn already.
    if (nested) return found.push({ words, open, fed: [] }) <= commandsMax;
    return visit({ words, open, fed: [] }, depth);
  };
  return visitLine(line, 0) ? found : null;
}

const takesText = new Set(["eval", "trap", "source", ".", "mapfile", "readarray", "compgen", "alias", "ssh"]);
/** They run the words after some option of theirs. */
const runsItsWords = new Set(["find", "gfind", "fd", "fdfind", "jobs"]);
const runsWhatFollows = /^(?:-exec|-ok|--exec|-[A-Za-z]*[xX]$)/;
