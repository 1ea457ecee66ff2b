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
/** The words after `sudo` or `find`: each may be where a command begins. */
const wrappedWordsMax = 200;
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
    if (takesText.has(name) || shells.has(name)) visitTexts(name, { ...command, words: rest }, depth);
    if (runsItsWords.has(name)) {
      const starts = rest.flatMap((word, index) => (runsWhatFollows.test(word ?? "") ? [index + 1] : []));
      if (starts.length > 0 && rest.length > wrappedWordsMax) return false;
      return starts.every((start) => visit({ words: rest.slice(start), open: command.open, fed: [] }, depth));
    }
    return !wrappers.has(name) || visitWrapped(name, { ...command, words: rest }, depth);
  };
  /** Not every argument is a command line: what can not be read as one leaves it open whether something is run. */
  const visitTexts = (name: string, { words, fed }: SeenCommand, depth: number): void => {
    const texts = [...words, ...fed].flatMap((text) => (text === null ? text : withoutBegin(text)));
    if (name === "eval" && !words.includes(null)) texts.push(words.join(" "));
    const readsMore = name === "." || name === "source" || words.every((word) => word?.startsWith("-"));
    if (readsMore) found.push(unknown);
    for (const text of texts) {
      if (found.length >= commandsMax) return;
      if (text === null || !visitLine(text, depth + 1)) found.push(unknown);
    }
  };
  /** The command may begin at any of the words: which of them belong to an option only the program knows. */
  const visitWrapped = (name: string, { words, open }: SeenCommand, depth: number): boolean => {
    if (words.length > wrappedWordsMax) return false;
    let isAnyCommand = quiet.has(name);
    for (const [index, word] of words.entries()) {
      const isOption = word !== null && /^-|^\w+=/.test(word);
      // env -S "rm x".
      for (const text of word === null || !/\s/.test(word) ? [] : withoutBegin(word))
        if (!visitLine(text, depth + 1)) found.push(unknown);
      if (isOption) continue;
      isAnyCommand = true;
      const rest: SeenCommand = { words: words.slice(index), open: open || fillsIn.has(name), fed: [] };
      // The words of a wrapper inside have their turn here already.
      if (word !== null && wrappers.has(programName(word))) found.push(rest);
      else if (!visit(rest, depth)) return false;
    }
    // sudo -s, or su: a shell that reads on.
    if (!isAnyCommand) found.push(unknown);
    return true;
  };
  return visitLine(line, 0) && found.length < commandsMax ? found : null;
}

/** A text as it is, and what follows where it may be `alias ls='rm x'`, -S"rm x" or --split-string="rm x". */
function withoutBegin(text: string): string[] {
  const rest = text.replace(/^(?:--[\w-]+=|-\w|\w+=)/, "");
  return rest === text ? [text] : [text, rest];
}

const takesText = new Set(["eval", "trap", "source", ".", "mapfile", "readarray", "compgen", "alias", "ssh"]);
/** They add words that are read when they run. */
const fillsIn = new Set(["xargs", "parallel"]);
/** Without a command they run none that matters. */
const quiet = new Set(["env", "xargs", "time", "exec", "command", "builtin", "nice"]);
/** They run the words after some option of theirs. */
const runsItsWords = new Set(["find", "gfind", "fd", "fdfind", "jobs"]);
const runsWhatFollows = /^(?:-exec|-ok|--exec|-[A-Za-z]*[xX]$)/;
