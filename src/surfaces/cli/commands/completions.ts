import { Argument, type Command } from "commander";

import { exitCodes } from "../exit.ts";
import { completionScripts, shells, type Vocabulary } from "../output/completion-scripts.ts";
import type { Definition } from "../program.ts";

/** Words by the command path they follow: "" for the program, "session list" for a command of a command. */
function vocabularyOf(program: Command): Vocabulary {
  const globals = program.options.flatMap((option) => (option.long === undefined ? [] : [option.long]));
  const vocabulary: Record<string, string[]> = {};
  const visit = (command: Command, path: string): void => {
    const own = command.options.flatMap((option) => (option.long === undefined || option.hidden ? [] : [option.long]));
    const choices = command.registeredArguments.flatMap((argument) => argument.argChoices ?? []);
    vocabulary[path] = [
      ...command.commands.map((child) => child.name()),
      ...choices,
      ...new Set([...own, ...globals, "--help"]),
    ];
    for (const child of command.commands) visit(child, path === "" ? child.name() : `${path} ${child.name()}`);
  };
  visit(program, "");
  return vocabulary;
}

export const define: Definition = (command, { context, action, whole }) => {
  command
    .addArgument(new Argument("<shell>", "for which shell").choices([...shells]))
    .addHelpText(
      "after",
      '\nExamples:\n  eval "$(duragent completions bash)"\n  duragent completions fish > ~/.config/fish/completions/duragent.fish\n',
    )
    .action(
      action(async (_globals, _flags, shell) => {
        const known = shells.find((name) => name === shell);
        if (known !== undefined) context.stdout.write(completionScripts[known](vocabularyOf(await whole())));
        return exitCodes.done;
      }),
    );
};
