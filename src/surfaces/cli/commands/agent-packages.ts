import { readFile, stat } from "node:fs/promises";
import { extname, resolve } from "node:path";
import type { Command } from "commander";

import { packAgent, unpackAgent } from "../../../client/agent-archive.ts";
import { packageBytesMax, packageDepthMax, packageFilesMax } from "../../../domain/agent-package.ts";
import { terminalJson, terminalText } from "../../../domain/terminal-text.ts";
import type { DeployAction } from "../../../runtime/agents/catalog-types.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import { saveFile } from "../output/save-file.ts";
import type { Setup } from "../program.ts";
import { openServerIfAny } from "../server/connect.ts";
import { requireWorkspace } from "../workspace/workspace-here.ts";

type Packages = {
  exportAgent(name: string): Promise<Uint8Array>;
  importAgent(archive: Uint8Array): Promise<{ agent: string; action: DeployAction }>;
};

/** The server that holds the directory does it; without one this process takes the lock meanwhile. */
async function withPackages<Result>(
  context: CommandContext,
  globals: GlobalFlags,
  perform: (packages: Packages) => Promise<Result>,
): Promise<Result> {
  const server = await openServerIfAny(context, globals);
  if (server !== null) return perform(server);
  const ground = await context.ground();
  await using offline = await ground.offlineAgents({ cwd: context.cwd, env: context.env, config: globals.config });
  const { agents } = offline;
  const limits = { bytesMax: packageBytesMax, filesMax: packageFilesMax, depthMax: packageDepthMax };
  return await perform({
    exportAgent: async (name) => packAgent(name, await agents.pack(name)),
    async importAgent(archive) {
      const { agent, action } = await agents.deploy(await unpackAgent(archive, limits));
      return { agent: agent.name, action };
    },
  });
}

/** The package at a path: a .tar.gz as it is; a folder, or a definition of its own, packed. */
async function archiveAt(path: string, { ground }: CommandContext): Promise<Uint8Array> {
  const facts = await stat(path).catch(() => null);
  if (facts === null)
    throw new CommandFailure(exitCodes.failed, `there is nothing at ${path}`, {
      hint: "name a .tar.gz of `duragent agent export`, or an agent's folder",
    });
  const isDefinition = [".yaml", ".yml"].includes(extname(path).toLowerCase());
  if (facts.isFile() && !isDefinition) return readFile(path);
  return packAgent("agent", await (await ground()).readAgent(path));
}

const done: Readonly<Record<DeployAction, string>> = {
  created: "deployed",
  updated: "deployed in place of what was deployed before",
  unchanged: "already deployed just so",
};

/** `agent export` and `agent import`. */
export function defineAgentPackages(command: Command, { context, action }: Setup): void {
  command
    .command("export")
    .description("an agent's whole folder as .tar.gz, for `agent import` there or elsewhere")
    .argument("<name>", "which")
    .argument("[file]", "a new file; - for stdout (default: NAME.tar.gz)")
    .addHelpText("after", "\nExample:\n  duragent agent export demo\n")
    .action(
      action(async (globals, _flags, name = "", file = `${name}.tar.gz`) => {
        if (file === "-" && context.stdout.isTTY === true)
          throw new CommandFailure(exitCodes.usage, "a package is not for a terminal", {
            hint: "name a file, or send the output into one",
          });
        if (globals.server === undefined) await requireWorkspace(context, globals);
        const archive = await withPackages(context, globals, (packages) => packages.exportAgent(name));
        if (file === "-") {
          context.stdout.write(archive);
          return exitCodes.done;
        }
        const path = resolve(context.cwd, file);
        await saveFile(path, [archive], { shown: file });
        context.stdout.write(globals.json ? `${terminalJson({ agent: name, file: path })}\n` : `made  ${file}\n`);
        return exitCodes.done;
      }),
    );

  command
    .command("import")
    .description("deploy an agent: a .tar.gz of `agent export`, an agent's folder, or a single agent file")
    .argument("<path>", "the file or the folder")
    .addHelpText("after", "\nExample:\n  duragent agent import demo.tar.gz\n")
    .action(
      action(async (globals, _flags, path = "") => {
        const archive = await archiveAt(resolve(context.cwd, path), context);
        const result = await withPackages(context, globals, (packages) => packages.importAgent(archive));
        const said = `${terminalText(result.agent)}: ${done[result.action]}`;
        context.stdout.write(globals.json ? `${terminalJson(result)}\n` : `${said}\n`);
        return exitCodes.done;
      }),
    );
}
