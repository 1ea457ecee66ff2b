import type { AgentCatalog } from "../runtime/agents/catalog-types.ts";
import type { Config } from "../schema/config.ts";

type Gap = { message: string; remedy: string };

/** Messages of gateways that would find no agent, and why: one sentence each. Nothing where no gateway is configured. */
export function gapsInAnswering(config: Config, catalog: Pick<AgentCatalog, "list" | "invalid">): Gap[] {
  const { external } = config.gateways;
  if (external.length === 0) return [];
  const valid = new Set(catalog.list().map((agent) => agent.name));
  const defined = valid.size + catalog.invalid().filter(({ name }) => !valid.has(name)).length;
  const named = [
    ...config.routes.map(({ agent }, index) => ({ agent, place: `routes[${index}].agent` })),
    ...(config.defaultAgent === undefined ? [] : [{ agent: config.defaultAgent, place: "default_agent" }]),
  ];
  const missing = named
    .filter(({ agent }) => !valid.has(agent))
    .map(({ agent, place }) => ({
      message: `${place} names the agent ${agent}, and there is no valid agent of that name`,
      remedy: "correct the name, or the agent",
    }));
  const without = external.filter(
    ({ name }) => !config.routes.some(({ match }) => (match.gateway ?? name).toLowerCase() === name.toLowerCase()),
  );
  if (config.defaultAgent !== undefined || defined === 1 || without.length === 0) return missing;
  const names = without.map(({ name }) => name).join(", ");
  return [
    ...missing,
    {
      message: `${names}: ${defined === 0 ? "there is no agent, so" : `there are ${defined} agents, and no route says which of them answers:`} messages are dropped`,
      remedy:
        defined === 0 ? "make one with `duragent init`" : "name one as default_agent, or add routes, in duragent.yaml",
    },
  ];
}
