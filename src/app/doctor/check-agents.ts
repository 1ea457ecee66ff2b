import { join } from "node:path";

import type { ModelRegistry } from "../../ports/model.ts";
import type { AgentCatalog, LoadedAgent } from "../../runtime/agents/catalog-types.ts";
import type { Config } from "../../schema/config.ts";
import type { Check } from "../../surfaces/cli/ground.ts";

export type AgentsToCheck = { catalog: AgentCatalog; models: ModelRegistry; config: Config; online: boolean };

/** One tiny answer has this long; a provider that needs more has a problem that is worth a line. */
const onlineMsMax = 30_000;

/** Every agent with the place of each error, what it sets for later versions, and whether its model can be had. */
export async function checkAgents({ catalog, models, config, online }: AgentsToCheck): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { name, errors, servingLastGood } of catalog.invalid()) {
    for (const { file, line, column, path, message } of errors) {
      const place = [join(config.agents.staticPath, name, file), line, column]
        .filter((part) => part !== undefined)
        .join(":");
      const what = path === undefined || path === "" ? message : `${path}: ${message}`;
      checks.push({
        status: "error",
        message: `${place}: ${what}${servingLastGood ? " (the last good version is served)" : ""}`,
        remedy: "mend it there; `duragent agent validate` checks it",
      });
    }
  }
  const asked = new Set<string>();
  for (const { name } of catalog.list()) {
    const agent = await catalog.get(name);
    if (agent === undefined) continue;
    checks.push(...(await checkModel(agent, { models, online, asked })));
    for (const warning of agent.warnings) checks.push({ status: "warn", message: `${name}: ${warning}` });
  }
  if (checks.length === 0)
    checks.push({
      status: "warn",
      message: `there is no agent in ${config.agents.staticPath}`,
      remedy: "duragent agent create NAME, or duragent init --demo",
    });
  return checks;
}

type ModelCheck = { models: ModelRegistry; online: boolean; asked: Set<string> };

async function checkModel(agent: LoadedAgent, { models, online, asked }: ModelCheck): Promise<Check[]> {
  const { provider, name, base_url: baseUrl, api } = agent.definition.spec.model;
  const label = `${agent.name}: ${provider}, ${name}`;
  try {
    const model = await models.model({ provider, name, baseUrl, api, files: agent.files });
    const key = `${provider}/${name}`;
    if (!online || provider === "scripted" || asked.has(key)) return [{ status: "ok", message: label }];
    asked.add(key);
    const request = {
      system: "",
      messages: [{ role: "user" as const, content: "Say ok." }],
      tools: [],
      settings: { maxOutputTokens: 16 },
    };
    for await (const part of model.stream(request, AbortSignal.timeout(onlineMsMax))) {
      // The first sign of life is the answer that was wanted; leaving the loop ends the call.
      if (part.type !== "finish") break;
    }
    return [{ status: "ok", message: `${label}: it answers` }];
  } catch (error) {
    return [
      {
        status: "error",
        message: `${label}: ${error instanceof Error ? error.message : String(error)}`,
        remedy: `duragent login ${provider}, or mend the agent's model`,
      },
    ];
  }
}
