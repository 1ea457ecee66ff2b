import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";

import type { Command } from "commander";

import { terminalJson, terminalText } from "../../../domain/terminal-text.ts";
import { DuragentError } from "../../../schema/problem.ts";
import type { CommandContext } from "../context.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import { age } from "../output/duration.ts";
import { saveFile } from "../output/save-file.ts";
import { writeTable } from "../output/table.ts";
import type { Definition, Setup } from "../program.ts";
import { openServer } from "../server/connect.ts";
import { wholeNumber } from "../whole-number.ts";

type ListFlags = { agent: string; prefix?: string; limit: number };
type GetFlags = { agent: string; output?: string; force?: boolean };
type PutFlags = { agent: string; name?: string; type?: string };

const pageMax = 1000;

/** `duragent artifact`. */
export const define: Definition = (command, setup) => {
  defineList(command, setup);
  defineGet(command, setup);
  definePut(command, setup);
};

function defineList(command: Command, { context, action }: Setup): void {
  command
    .command("list")
    .description("what an agent and its users keep, by name")
    .requiredOption("-a, --agent <name>", "whose")
    .option("--prefix <text>", "only names that begin so")
    .option("--limit <n>", "at most so many", wholeNumber(1, pageMax), 100)
    .addHelpText("after", "\nExample:\n  duragent artifact list -a demo --prefix outputs/\n")
    .action(
      action<ListFlags>(async (globals, { agent, prefix, limit }) => {
        const page = await (await openServer(context, globals)).artifacts(agent, { prefix, limit });
        const rows = page.artifacts.map(({ name, bytes, content_type: type, created_at: at }) => [
          name,
          `${bytes}`,
          type,
          age(at, Date.now()),
        ]);
        if (globals.json) context.stdout.write(`${terminalJson(page)}\n`);
        else if (rows.length === 0) context.stdout.write("No artifacts.\n");
        else writeTable(context.stdout, context.env, { heading: ["NAME", "BYTES", "TYPE", "AGE"], rows });
        if (!globals.json && page.next_cursor !== undefined)
          context.stderr.write("(there are more: raise --limit, or narrow with --prefix)\n");
        return exitCodes.done;
      }),
    );
}

function defineGet(command: Command, { context, action }: Setup): void {
  command
    .command("get")
    .description("an artifact's content, on stdout or into a file")
    .argument("<name>", "which")
    .requiredOption("-a, --agent <name>", "whose")
    .option("-o, --output <file>", "into this new file, instead of stdout")
    .option("--force", "replace the file if it is there")
    .addHelpText("after", "\nExample:\n  duragent artifact get report.pdf -a demo -o report.pdf\n")
    .action(
      action<GetFlags>(async (globals, { agent, output, force = false }, name = "") => {
        checkName(name);
        const server = await openServer(context, globals);
        const { body, contentType, sha256 } = await found(server.artifact(agent, name), agent, name);
        if (output === undefined) {
          await print(context, body, name);
          return exitCodes.done;
        }
        const file = resolve(context.cwd, output);
        await saveFile(file, body, { force, shown: output });
        const facts = { agent, name, file, content_type: contentType, sha256 };
        context.stdout.write(globals.json ? `${terminalJson(facts)}\n` : `made  ${output}\n`);
        return exitCodes.done;
      }),
    );
}

function definePut(command: Command, { context, action }: Setup): void {
  command
    .command("put")
    .description("store a file under a name; another artifact of that name is replaced")
    .argument("<file>", "which; - for stdin")
    .requiredOption("-a, --agent <name>", "whose")
    .option("--name <name>", "what the artifact is called; the file's own name without it")
    .option("--type <type>", "its media type, where its name does not tell")
    .addHelpText("after", "\nExample:\n  duragent artifact put brief.md -a demo --name inputs/brief.md\n")
    .action(
      action<PutFlags>(async (globals, { agent, name, type }, file = "") => {
        checkName(name);
        const { shown, content } = await contentOf(context, file, name);
        const server = await openServer(context, globals);
        const stored = await server.putArtifact(agent, shown, content(), { contentType: type });
        const said = `stored  ${terminalText(stored.name)}  (${stored.bytes} bytes, ${terminalText(stored.content_type)})`;
        context.stdout.write(globals.json ? `${terminalJson(stored)}\n` : `${said}\n`);
        return exitCodes.done;
      }),
    );
}

/** Throws of an artifact that is not there in words of the command line. */
async function found<Content>(asked: Promise<Content>, agent: string, name: string): Promise<Content> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof DuragentError && error.code === "not-found")) throw error;
    throw new CommandFailure(exitCodes.failed, `the agent ${agent} has no artifact ${name}`, {
      hint: `\`duragent artifact list -a ${agent}\` shows those there are`,
      cause: error,
    });
  }
}

const checkName = (name: string | undefined): void => {
  if (name?.trim() === "") throw new CommandFailure(exitCodes.usage, "the name of an artifact can not be empty");
};

async function contentOf({ cwd, stdin }: CommandContext, file: string, name: string | undefined) {
  if (file === "-") {
    if (name === undefined)
      throw new CommandFailure(exitCodes.usage, "what comes on stdin has no name", { hint: "give it one with --name" });
    return { shown: name, content: (): AsyncIterable<Uint8Array> => stdin };
  }
  const path = resolve(cwd, file);
  const facts = await stat(path).catch(() => null);
  if (facts?.isFile() !== true) throw new CommandFailure(exitCodes.failed, `there is no file ${file}`);
  return { shown: name ?? basename(path), content: (): AsyncIterable<Uint8Array> => createReadStream(path) };
}

/** A terminal gets text that it does not obey, and nothing that is no text; a pipe gets the bytes as they are. */
async function print({ stdout }: CommandContext, body: AsyncIterable<Uint8Array>, name: string): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    if (stdout.isTTY === true && chunk.includes(0)) {
      throw new CommandFailure(exitCodes.failed, `${name} is no text for a terminal`, {
        hint: "name a file with -o, or send the output into one",
      });
    }
    const shown = stdout.isTTY === true ? terminalText(decoder.decode(chunk, { stream: true })) : chunk;
    if (!stdout.write(shown)) await new Promise<void>((resolve) => void stdout.once("drain", resolve));
  }
}
