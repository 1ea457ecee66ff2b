import { join } from "node:path";

import type { CommandRunner } from "../../ports/command-runner.ts";
import type { Tool } from "../../ports/tool.ts";
import { cliTool, type Program } from "./cli/cli-tool.ts";
import { foundPrograms } from "./cli/found-programs.ts";
import { listedProgram } from "./cli/listed-program.ts";
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
  /** What was meant as a tool and is none: one sentence each, with its place. */
  problems: string[];
};

/**
 * The programs of an agent: those that agent.yaml lists, then those under its own `tools/`, then the shared ones. The
 * first of a name, without regard to case, is the one; built-in tools and MCP servers of agent.yaml come before all. Cheap to call again.
 */
export async function cliTools({ agent, commands, sharedFolder }: CliToolParts): Promise<CliTools> {
  const { tools: entries, memory } = agent.definition.spec;
  const problems: string[] = [];
  const listed: Program[] = [];
  for (const entry of entries) {
    if (entry.type !== "cli") continue;
    try {
      listed.push(await listedProgram(entry, agent));
    } catch (error) {
      problems.push(`the tool ${entry.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  const taken = new Set([
    ...entries.map(({ name }) => name.toLowerCase()),
    ...(memory === undefined ? [] : ["memory"]),
  ]);
  const folders = [...(agent.home === "" ? [] : [join(agent.home, "tools")]), sharedFolder];
  const found: Program[] = [];
  for (const folder of folders) {
    const there = await foundPrograms(folder);
    problems.push(...there.problems);
    for (const program of there.programs) {
      if (taken.has(program.name.toLowerCase())) continue;
      taken.add(program.name.toLowerCase());
      found.push(program);
    }
  }
  return {
    tools: [...listed, ...found].map((program) => cliTool(program, { agent, commands })),
    found: found.map(({ name, description }) => ({ name, description })),
    folders,
    problems,
  };
}
