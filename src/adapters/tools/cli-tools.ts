import type { CommandRunner } from "../../ports/command-runner.ts";
import type { Tool } from "../../ports/tool.ts";
import { cliTool } from "./cli/cli-tool.ts";
import { programsOf } from "./cli/programs.ts";
import type { ToolAgent } from "./parts.ts";

export type CliToolParts = {
  agent: ToolAgent;
  commands: CommandRunner;
  /** `<data_dir>/tools`: for all agents. */
  sharedFolder: string;
};

export type CliTools = {
  tools: Tool[];
  /** Those that were found by being there. */
  found: { name: string; description: string }[];
  folders: string[];
  /** What was meant as a tool and is none: one sentence each, with its name or place. */
  problems: string[];
};

/** The programs of an agent as tools; see `programsOf`. Cheap to call again. */
export async function cliTools({ agent, commands, sharedFolder }: CliToolParts): Promise<CliTools> {
  const { listed, found, folders, problems } = await programsOf(agent, sharedFolder);
  return {
    tools: [...listed, ...found].map((program) => cliTool(program, { agent, commands })),
    found: found.map(({ name, description }) => ({ name, description })),
    folders,
    problems,
  };
}
