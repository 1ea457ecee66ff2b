import type { AgentCatalog, LoadedAgent } from "../../runtime/agents/catalog-types.ts";
import { DuragentError } from "../../schema/problem.ts";

/** An agent by its name. Throws `agent-not-found`, which says why an agent that is there is not served. */
export async function agentNamed(catalog: AgentCatalog, name: string): Promise<LoadedAgent> {
  const agent = await catalog.get(name);
  if (agent) return agent;
  const wrong = catalog.invalid().find((candidate) => candidate.name === name)?.errors[0];
  const why =
    wrong === undefined
      ? "not found"
      : `invalid (${wrong.file}${wrong.line === undefined ? "" : `:${wrong.line}`}: ${wrong.message})`;
  throw new DuragentError("agent-not-found", `agent '${name}' ${why}`);
}
