import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";

import { terminalJson } from "../../../domain/terminal-text.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import { ownName } from "../own-name.ts";
import { paintFor } from "../paint.ts";
import type { Definition } from "../program.ts";
import { askForWorkspace } from "../workspace/ask.ts";
import { demoAgentFiles, workspaceGitignore } from "../workspace/demo-agent.ts";
import { detectProviders } from "../workspace/detect-provider.ts";
import {
  agentNamePattern,
  isStarterProvider,
  starterAgentFiles,
  starterConfiguration,
  starterProviders,
} from "../workspace/starter-agent.ts";
import { makePrivateFolder, writeNewFiles } from "../workspace/write-new-files.ts";

type Flags = { demo?: boolean; yes?: boolean; provider?: string; model?: string; agentName?: string };

export const define: Definition = (command, { context, action }) => {
  command
    .argument("[dir]", "where", ".")
    .option("--demo", "an agent that answers from a script: no key needed")
    .option("-y, --yes", "ask nothing: take what is found on this machine")
    .option(
      "--provider <name>",
      `who runs the model: ${Object.keys(starterProviders).join(", ")}, or a name of duragent.yaml`,
    )
    .option("--model <name>", "the model")
    .option("--agent-name <name>", "the first agent's name")
    .addHelpText(
      "after",
      "\nExamples:\n  duragent init --demo\n  duragent init my-workspace --provider ollama --model llama3.2\n",
    )
    .action(
      action<Flags>(async ({ json, verbosity }, flags, dir = ".") => {
        const folder = resolve(context.cwd, dir);
        const interactive =
          flags.yes !== true &&
          flags.demo !== true &&
          !json &&
          context.stdin.isTTY === true &&
          context.stdout.isTTY === true;
        if (flags.demo === true && (flags.provider !== undefined || flags.model !== undefined)) {
          throw new CommandFailure(exitCodes.usage, "--demo brings its own model: leave --provider and --model out");
        }
        const detected = flags.demo === true || flags.provider !== undefined ? [] : await detectProviders(context.env);
        const found = detected[0];
        const provider = flags.provider ?? found?.provider ?? "anthropic";
        const model =
          flags.model ??
          (found?.provider === provider
            ? found.model
            : isStarterProvider(provider)
              ? starterProviders[provider].model
              : undefined);
        let choice = {
          demo: flags.demo === true,
          name: flags.agentName ?? "my-assistant",
          provider,
          model,
          key: undefined as string | undefined,
        };
        if (interactive) {
          const answers = await askForWorkspace(choice, detected);
          if (answers === null) return exitCodes.interrupted;
          choice = answers;
        }
        if (!agentNamePattern.test(choice.name)) {
          throw new CommandFailure(exitCodes.usage, `"${choice.name}" can not be an agent's name`, {
            hint: "small letters, digits, - and _, at most 63, starting with a letter or digit",
          });
        }
        if (!choice.demo && choice.model === undefined) {
          throw new CommandFailure(exitCodes.usage, `which model of ${choice.provider}?`, {
            hint: "name it with --model",
          });
        }

        const agentName = choice.demo ? "demo" : choice.name;
        const agentFiles = choice.demo
          ? demoAgentFiles
          : starterAgentFiles({ name: choice.name, provider: choice.provider, model: choice.model ?? "" });
        await makePrivateFolder(join(folder, ".duragent"));
        // An agent is whole or not touched: files of ours beside files of another agent would make neither.
        const present = existsSync(join(folder, ".duragent", "agents", agentName));
        const { created, kept } = await writeNewFiles(folder, {
          "duragent.yaml": starterConfiguration,
          ".duragent/.gitignore": workspaceGitignore,
          ...(present
            ? {}
            : Object.fromEntries(Object.entries(agentFiles).map(([path, text]) => [`.duragent/agents/${path}`, text]))),
        });
        if (present) kept.push(`.duragent/agents/${agentName}`);
        if (choice.key !== undefined) await (await context.ground()).storeKey(choice.provider, choice.key);
        if (json) {
          context.stdout.write(`${terminalJson({ folder, agent: agentName, created, kept })}\n`);
          return exitCodes.done;
        }

        const paint = paintFor(context.stdout, context.env);
        const lines: string[] = [];
        for (const path of created) lines.push(`${paint("green", "made")}  ${path}`);
        for (const path of kept) lines.push(`${paint("dim", "kept")}  ${path} (it was there before)`);
        if (found !== undefined && !interactive && !present)
          lines.push(`      ${found.because}: the agent uses ${provider}, model ${choice.model}`);
        const keyVariable =
          !choice.demo && isStarterProvider(choice.provider)
            ? starterProviders[choice.provider].keyVariable
            : undefined;
        const needsKey =
          keyVariable !== undefined && choice.key === undefined && (context.env[keyVariable] ?? "") === "";
        const steps = [
          ...(folder === resolve(context.cwd) ? [] : [`cd ${relative(context.cwd, folder)}`]),
          ...(needsKey ? [`${ownName(context.env)} login ${choice.provider}       (or set ${keyVariable})`] : []),
          `${ownName(context.env)} chat${present || agentName === "demo" ? "" : ` -a ${agentName}`}`,
        ];
        lines.push("", "Now type:", ...steps.map((step) => `  ${paint("bold", step)}`));
        if (verbosity >= 0) context.stdout.write(`${lines.join("\n")}\n`);
        return exitCodes.done;
      }),
    );
};
