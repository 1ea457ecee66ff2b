import { relative } from "node:path";

import { Option } from "commander";

import { terminalJson, terminalLine, terminalText } from "../../../domain/terminal-text.ts";
import type { CommandContext } from "../context.ts";
import { CommandFailure, exitCodes } from "../exit.ts";
import type { PolicyCheck, PolicyQuestion } from "../ground.ts";
import { paintFor, type Paint } from "../paint.ts";
import type { Definition } from "../program.ts";

type Flags = { agent?: string; type: PolicyQuestion["type"] };

const marks = { allow: ["green", "allow"], ask: ["yellow", "ask  "], deny: ["red", "deny "] } as const;
const commandShownMax = 60;

function render({ verdict, commands, problems, always }: PolicyCheck, paint: Paint, { cwd }: CommandContext): string {
  const mark = (policy: keyof typeof marks): string => paint(marks[policy][0], marks[policy][1]);
  // Where it lies as seen from here, as other commands say it.
  const here = (text: string): string => terminalText(text.replaceAll(`${cwd}/`, ""));
  const lines = [`${mark(verdict.policy)} ${here(verdict.reason.text)}`];
  if (commands.length > 1)
    for (const { command, verdict: own } of commands)
      lines.push(`  ${mark(own.policy)} ${terminalLine(command, commandShownMax)}: ${here(own.reason.text)}`);
  for (const { file, line, column, message } of problems.slice(verdict.reason.rule === "broken" ? 1 : 0)) {
    const place = [relative(cwd, file), line, column].filter((part) => part !== undefined).join(":");
    lines.push(`  ${terminalText(`${place}: ${message}`)}`);
  }
  if (verdict.policy === "ask")
    lines.push(
      always.length > 0
        ? `  "always allow" would keep: ${terminalLine(always.join(", "))}`
        : '  "always allow" would keep nothing: it can be allowed this once only',
    );
  return `${lines.join("\n")}\n`;
}

export const define: Definition = (command, { context, action }) => {
  command
    .command("check")
    .description("what the policy files say about a call, and which line decides; needs no server")
    .argument(
      "<call>",
      "a command line; for another --type what a tool is called by, e.g. memory:recall or files__read",
    )
    .option("-a, --agent <name>", "whose policy (required)")
    .addOption(new Option("--type <type>", "what is called").choices(["bash", "builtin", "cli", "mcp"]).default("bash"))
    .addHelpText(
      "after",
      '\nExit code: 0 where it runs without a question, 1 where it is asked about or denied.\n\nExample:\n  duragent policy check -a demo "git status && rm -rf build"\n',
    )
    .action(
      action<Flags>(async (globals, { agent, type }, text = "") => {
        if (agent === undefined)
          throw new CommandFailure(exitCodes.usage, "whose policy?", { hint: "name the agent with -a" });
        const where = { cwd: context.cwd, env: context.env, config: globals.config };
        const checked = await (await context.ground()).checkPolicy(where, { agent, type, text });
        context.stdout.write(
          globals.json
            ? `${terminalJson({ agent, type, call: text, ...checked })}\n`
            : render(checked, paintFor(context.stdout, context.env), context),
        );
        return checked.verdict.policy === "allow" ? exitCodes.done : exitCodes.failed;
      }),
    );
};
