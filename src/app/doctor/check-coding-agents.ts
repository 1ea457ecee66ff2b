import { findProgram } from "../../adapters/find-program.ts";
import { codingAgents } from "../../adapters/tools/coding-agents.ts";
import type { AgentCatalog } from "../../runtime/agents/catalog-types.ts";
import type { Check } from "../../surfaces/cli/ground.ts";

type Facts = { catalog: AgentCatalog; env: Readonly<Record<string, string | undefined>> };

/** Agents that list a coding agent whose program is not on the server's PATH. */
export async function checkCodingAgents({ catalog, env }: Facts): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { name: agentName } of catalog.list()) {
    const listed = (await catalog.get(agentName))?.definition.spec.tools ?? [];
    for (const { tool, program, name } of codingAgents) {
      if (!listed.some((one) => one.type === "builtin" && one.name === tool)) continue;
      if ((await findProgram(program, env["PATH"])) !== undefined) continue;
      checks.push({
        status: "warn",
        message: `${agentName}: the tool ${tool} needs ${name}, and there is no program ${program} on the PATH`,
        remedy: `install ${name}, or take ${tool} out of the agent's tools`,
      });
    }
  }
  return checks;
}
