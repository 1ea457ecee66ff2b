import { harmfulLines } from "./harmful-lines.ts";
import { hiddenCommands } from "./hidden-commands.ts";

/** What the lines are tried against: such as a person who trusts their agent with looking around would write. */
export const allowedForBypasses = [
  "bash:git status",
  "bash:git log *",
  "bash:git diff",
  "bash:ls *",
  "bash:cat *",
  "bash:head *",
  "bash:grep *",
  "bash:rg *",
  "bash:find *",
  "bash:fd *",
  "bash:sort *",
  "bash:wc *",
  "bash:echo *",
  "bash:printf *",
  "bash:test *",
  "bash:date",
  "bash:cd *",
  "bash:npm test",
];

export type BypassGroup = {
  readonly what: string;
  /**
   * Where `bash:rm` is denied: `seen`: each line is denied; `hidden`: it is not run without a question, even where
   * everything else is allowed; `none`: they do their harm without rm.
   */
  readonly rm: "seen" | "hidden" | "none";
  readonly lines: readonly string[];
};

/** Command lines that begin like something allowed, or look like it, and do something else. None may run without a question. */
export const shellBypasses: readonly BypassGroup[] = [...hiddenCommands, ...harmfulLines];
