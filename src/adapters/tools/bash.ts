import { z } from "zod";

import type { Tool } from "../../ports/tool.ts";
import { strictObject } from "../../schema/strict-object.ts";
import { defineTool } from "./define-tool.ts";
import type { ToolParts } from "./parts.ts";
import { workingFolder } from "./working-folder.ts";

const timeoutSecondsDefault = 120;
const timeoutSecondsMax = 1800;

const schema = strictObject({
  command: z.string().min(1).describe("A command line for bash."),
  timeout_seconds: z
    .number()
    .min(1)
    .max(timeoutSecondsMax)
    .optional()
    .describe(`Stopped after so long; ${timeoutSecondsDefault} if not given.`),
  cwd: z.string().optional().describe("A folder inside the workspace to start in."),
});

/** A line of shell, in the agent's workspace and sandbox. */
export function bashTool({ agent, commands }: Pick<ToolParts, "agent" | "commands">): Tool {
  return defineTool({
    name: "bash",
    description:
      "Runs a command line with bash in your workspace and gives back what it writes and its exit code. It gets no " +
      "input, and all that it starts ends with it: use background_process for what has to go on. /tmp is empty each time.",
    arguments: schema,
    effect: "unsafe",
    describe: ({ command }) => ({ type: "bash", text: command }),
    async run({ command, cwd, timeout_seconds: timeoutSeconds = timeoutSecondsDefault }, context) {
      return commands.run(
        {
          argv: ["bash", "-c", command],
          cwd: await workingFolder(cwd, agent),
          writable: [agent.workspace],
          readable: agent.readable,
          timeoutMs: timeoutSeconds * 1000,
        },
        context,
      );
    },
  });
}
