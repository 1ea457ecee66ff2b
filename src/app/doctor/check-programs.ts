import { programsOf } from "../../adapters/tools/cli/programs.ts";
import type { AgentCatalog } from "../../runtime/agents/catalog-types.ts";
import type { Check } from "../../surfaces/cli/ground.ts";

/** Programs that agents list, or that lie under `tools/`, and that can not be called. */
export async function checkPrograms(
  catalog: Pick<AgentCatalog, "list" | "get">,
  sharedFolder: string,
): Promise<Check[]> {
  const found = new Set<string>();
  for (const { name } of catalog.list()) {
    const agent = await catalog.get(name);
    if (agent === undefined) continue;
    const { problems } = await programsOf(agent, sharedFolder);
    // Those of the shared folder are every agent's, and are said once.
    for (const problem of problems) found.add(problem.startsWith("the tool ") ? `${name}: ${problem}` : problem);
  }
  return Array.from(found, (message) => ({
    status: "warn",
    message,
    remedy: "until then it is not offered to the model",
  }));
}
