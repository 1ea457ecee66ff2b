import { join } from "node:path";

import type { ToolAgent } from "../parts.ts";
import type { Program } from "./cli-tool.ts";
import { foundPrograms } from "./found-programs.ts";
import { listedProgram } from "./listed-program.ts";

export type Programs = {
  listed: Program[];
  /** Those that are there, under a name that nothing before them has. */
  found: Program[];
  /** Where was looked. */
  folders: string[];
  /** What was meant as a tool and is none: one sentence each, with its name or place. */
  problems: string[];
};

/**
 * The programs of an agent: those that agent.yaml lists, then those under its own `tools/`, then those of
 * `sharedFolder`. The first of a name, without regard to case, is the one; built-in tools and MCP servers of agent.yaml come before all.
 */
export async function programsOf(
  agent: Pick<ToolAgent, "definition" | "home" | "files" | "isForeign">,
  sharedFolder: string,
): Promise<Programs> {
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
  return { listed, found, folders, problems };
}
