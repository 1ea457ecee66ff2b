import { join, relative, resolve } from "node:path";

import { terminalJson, terminalLine, terminalText } from "../../../domain/terminal-text.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import { agentErrorLines } from "../output/agent-errors.ts";
import { writeTable } from "../output/table.ts";
import { ownName } from "../own-name.ts";
import type { Definition } from "../program.ts";
import { openServerIfAny } from "../server/connect.ts";
import {
  agentNamePattern,
  isStarterProvider,
  starterAgentFiles,
  starterProviders,
} from "../workspace/starter-agent.ts";
import { requireWorkspace } from "../workspace/workspace-here.ts";
import { writeNewFiles } from "../workspace/write-new-files.ts";
import { defineAgentPackages } from "./agent-packages.ts";

type CreateFlags = { provider?: string; model?: string };

export const define: Definition = (command, setup) => {
  const { context, action } = setup;

  command
    .command("list")
    .description("the agents there are")
    .addHelpText("after", "\nExample:\n  duragent agent list\n")
    .action(
      action(async (globals) => {
        const server = await openServerIfAny(context, globals);
        if (server === null) await requireWorkspace(context, globals);
        const where = { cwd: context.cwd, env: context.env, config: globals.config };
        const agents = server === null ? (await (await context.ground()).agents(where)).list() : await server.agents();
        if (globals.json) context.stdout.write(`${terminalJson({ agents })}\n`);
        else if (agents.length === 0) context.stdout.write("No agents yet: `duragent agent create NAME` makes one.\n");
        else
          writeTable(context.stdout, context.env, {
            heading: ["NAME", "DESCRIPTION"],
            rows: agents.map(({ name, description }) => [name, description ?? ""]),
          });
        return exitCodes.done;
      }),
    );

  command
    .command("create")
    .description("make an agent's folder")
    .argument("<name>", "small letters, digits, - and _")
    .option("--provider <name>", "who runs the model", "anthropic")
    .option("--model <name>", "the model")
    .addHelpText("after", "\nExample:\n  duragent agent create reviewer --provider ollama --model llama3.2\n")
    .action(
      action<CreateFlags>(async ({ config, json }, { provider = "anthropic", model: wanted }, name = "") => {
        if (!agentNamePattern.test(name)) {
          throw new CommandFailure(exitCodes.usage, `"${name}" can not be an agent's name`, {
            hint: "small letters, digits, - and _, at most 63, starting with a letter or digit",
          });
        }
        const model = wanted ?? (isStarterProvider(provider) ? starterProviders[provider].model : undefined);
        if (model === undefined)
          throw new CommandFailure(exitCodes.usage, `which model of ${provider}?`, { hint: "name it with --model" });
        const { agentsDir } = await (await context.ground()).place({ cwd: context.cwd, env: context.env, config });
        const { created, kept } = await writeNewFiles(agentsDir, starterAgentFiles({ name, provider, model }));
        if (created.length === 0)
          throw new CommandFailure(exitCodes.failed, `${join(agentsDir, name)} is there already`, {
            hint: "choose another name, or edit its files",
          });
        if (json)
          context.stdout.write(
            `${terminalJson({ agent: name, created: created.map((path) => join(agentsDir, path)), kept })}\n`,
          );
        else
          context.stdout.write(
            `${created.map((path) => `made  ${relative(context.cwd, join(agentsDir, path))}\n`).join("")}\nNow type:\n  ${ownName(context.env)} chat -a ${name}\n`,
          );
        return exitCodes.done;
      }),
    );

  command
    .command("show")
    .description("an agent's definition, as the server uses it")
    .argument("<name>", "which")
    .addHelpText("after", "\nExample:\n  duragent agent show demo\n")
    .action(
      action(async (globals, _flags, name = "") => {
        const server = await openServerIfAny(context, globals);
        if (server === null) await requireWorkspace(context, globals);
        const where = { cwd: context.cwd, env: context.env, config: globals.config };
        const shown =
          server === null
            ? await (await (await context.ground()).agents(where)).get(name)
            : { source: await server.agentSource(name), skills: await server.agentSkills(name) };
        if (shown === undefined)
          throw new CommandFailure(exitCodes.failed, `there is no agent ${name}`, {
            hint: "`duragent agent list` shows the agents there are",
          });
        const { source, skills } = shown;
        // As comments, so that what is shown is still the definition.
        const also = skills.map(
          (skill) => `#   ${terminalLine(`${skill.name}: ${skill.description} (${skill.path})`)}\n`,
        );
        const said = `${terminalText(source).trimEnd()}\n${also.length === 0 ? "" : `\n# skills:\n${also.join("")}`}`;
        context.stdout.write(globals.json ? `${terminalJson({ name, source, skills })}\n` : said);
        return exitCodes.done;
      }),
    );

  command
    .command("validate")
    .description("check an agent's folder; exit 1 with file:line:column of every error")
    .argument("<folder>", "an agent's folder, or a single agent file")
    .addHelpText("after", "\nExample:\n  duragent agent validate .duragent/agents/demo\n")
    .action(
      action(async ({ json }, _flags, folder = "") => {
        const result = await (await context.ground()).validateAgent(resolve(context.cwd, folder));
        if (json) context.stdout.write(`${terminalJson(result)}\n`);
        if (!("errors" in result)) {
          if (!json)
            context.stdout.write(
              [
                `${result.name}: valid`,
                ...result.warnings.map((warning) => `  warning: ${terminalText(warning)}`),
              ].join("\n") + "\n",
            );
          return exitCodes.done;
        }
        if (!json) context.stdout.write(`${agentErrorLines(result, folder).join("\n")}\n`);
        return exitCodes.failed;
      }),
    );

  defineAgentPackages(command, setup);
};
