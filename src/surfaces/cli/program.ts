import { Command, CommanderError } from "commander";

import { commands, commandsOfLaterVersions, type CommandEntry } from "./commands/registry.ts";
import type { CommandContext, GlobalFlags } from "./context.ts";
import { CommandFailure, describeFailure, exitCodes, type ExitCode } from "./exit.ts";
import { programVersion } from "./version.ts";

/** How a command file attaches itself: its own flags and what it does, which answers with the exit code. */
export type Definition = (command: Command, setup: Setup) => void;
export type Setup = {
  readonly context: CommandContext;
  /** The program with every command in it, for completions. */
  whole(): Promise<Command>;
  /** Hands a command's positional arguments and flags on; global flags stand apart. */
  action<Flags>(
    perform: (globals: GlobalFlags, flags: Flags, ...positional: string[]) => Promise<ExitCode>,
  ): (...given: unknown[]) => Promise<void>;
};

async function build(
  context: CommandContext,
  wanted: (entry: CommandEntry) => boolean,
  settle: (code: ExitCode) => void,
): Promise<Command> {
  const program = new Command("duragent")
    .description("A durable runtime for AI agents: sessions survive crashes, restarts and disconnects.")
    .version(programVersion(), "-V, --version", "print the version")
    .option("--config <file>", "the configuration (default: $DURAGENT_CONFIG, then ./duragent.yaml)")
    .option("--server <url>", "talk to this server instead of the data directory's own")
    .option("--token <token>", "the server's token (default: $DURAGENT_API_TOKEN)")
    .option("--json", "print JSON")
    .option(
      "-v, --verbose",
      "say more; -vv also shows stacks",
      (_: string, before: number | undefined) => (before ?? 0) + 1,
    )
    .option("-q, --quiet", "say only what was asked for")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void context.stdout.write(text),
      writeErr: (text) => void context.stderr.write(text),
      getOutHelpWidth: () => context.stdout.columns ?? 80,
      getErrHelpWidth: () => context.stderr.columns ?? 80,
    })
    .showHelpAfterError("hint: add --help to see what it takes")
    .exitOverride()
    .addHelpText("after", "\nThe first minute:\n  duragent init --demo && duragent chat\n");
  const setup: Setup = {
    context,
    whole: () => build(context, () => true, settle),
    action:
      (perform) =>
      async (...given) => {
        const command = given.at(-1);
        if (!(command instanceof Command)) throw new Error("commander passed no command");
        const { config, server, token, json, verbose, quiet, ...flags } = command.optsWithGlobals();
        const globals: GlobalFlags = {
          json: json === true,
          verbosity: quiet === true ? -1 : typeof verbose === "number" ? verbose : 0,
        };
        if (typeof config === "string") globals.config = config;
        if (typeof server === "string") globals.server = server;
        if (typeof token === "string") globals.token = token;
        const positional = given.slice(0, -2).flatMap((part) => (typeof part === "string" ? [part] : []));
        // The one cast of flags: commander has checked them against the options that the command declared.
        settle(await perform(globals, flags as Parameters<typeof perform>[1], ...positional));
      },
  };
  for (const entry of commands) {
    const command = program.command(entry.name).description(entry.summary);
    if (wanted(entry)) (await entry.load()).define(command, setup);
  }
  return program;
}

/** Runs one command line (without the interpreter and the script) to its exit code; loads only the named command. */
export async function runProgram(argv: readonly string[], context: CommandContext): Promise<ExitCode> {
  let exitCode: ExitCode = exitCodes.done;
  const stack =
    argv.some((word) => /^-v{2,}$/u.test(word)) ||
    argv.filter((word) => word === "-v" || word === "--verbose").length > 1;
  try {
    const program = await build(
      context,
      ({ name }) => argv.includes(name),
      (code) => (exitCode = code),
    );
    const later = program.parseOptions([...argv]).operands[0];
    if (later !== undefined && commandsOfLaterVersions.has(later)) {
      throw new CommandFailure(
        exitCodes.usage,
        `\`duragent ${later}\` needs a later version of duragent (this is ${programVersion()})`,
      );
    }
    if (argv.length === 0) {
      program.outputHelp({ error: true });
      return exitCodes.usage;
    }
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    // Commander has printed its own message: help, version or what is wrong with the words.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
    const failure = describeFailure(error, { stack });
    context.stderr.write(`${failure.lines.join("\n")}\n`);
    return failure.exitCode;
  }
}
