import { resolve } from "node:path";

import { Option } from "commander";

import { terminalJson } from "../../../domain/terminal-text.ts";
import { memoryKinds } from "../../../schema/api/memory.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import { memoryLines, type ShownMemory } from "../output/memory-lines.ts";
import { saveFile } from "../output/save-file.ts";
import { paintFor } from "../paint.ts";
import type { Definition } from "../program.ts";
import { openServer } from "../server/connect.ts";
import { wholeNumber } from "../whole-number.ts";

type SearchFlags = { agent: string; kind?: ShownMemory["kind"]; since?: string; limit: number };

/** `duragent memory`. */
export const define: Definition = (command, { context, action }) => {
  const paint = paintFor(context.stdout, context.env);

  command
    .command("search")
    .description("what an agent remembers, newest first")
    .argument("[words]", "words that must all occur; all of it without them")
    .requiredOption("-a, --agent <name>", "whose")
    .addOption(new Option("--kind <kind>", "only these").choices(memoryKinds))
    .option("--since <day>", "of notes only those from this day on: YYYY-MM-DD")
    .option("--limit <n>", "at most so many", wholeNumber(1, 1000), 50)
    .addHelpText("after", "\nExample:\n  duragent memory search postgres -a demo\n")
    .action(
      action<SearchFlags>(async (globals, { agent, kind, since, limit }, words) => {
        const server = await openServer(context, globals);
        const memories = await server.memories(agent, { q: words, kind, since, limit });
        if (globals.json) context.stdout.write(`${terminalJson({ memories })}\n`);
        else context.stdout.write(`${memoryLines(memories, paint)}\n`);
        return exitCodes.done;
      }),
    );

  command
    .command("export")
    .description("all that an agent remembers, as Markdown files in a tar archive")
    .requiredOption("-a, --agent <name>", "whose")
    .option("-o, --output <file>", "into this new file, instead of stdout")
    .addHelpText("after", "\nExample:\n  duragent memory export -a demo -o demo-memory.tar\n")
    .action(
      action<{ agent: string; output?: string }>(async (globals, { agent, output }) => {
        if (output === undefined && context.stdout.isTTY === true)
          throw new CommandFailure(exitCodes.usage, "an archive is not for a terminal", {
            hint: "name a file with -o, or send the output into one",
          });
        const archive = (await openServer(context, globals)).exportMemory(agent);
        if (output === undefined) for await (const chunk of archive) context.stdout.write(chunk);
        else {
          const file = resolve(context.cwd, output);
          await saveFile(file, archive, { shown: output });
          context.stdout.write(globals.json ? `${terminalJson({ agent, file })}\n` : `made  ${output}\n`);
        }
        return exitCodes.done;
      }),
    );
};
