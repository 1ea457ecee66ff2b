import { z } from "zod";

import { agentDetailSchema, agentListSchema, type AgentDetailBody } from "../../../schema/api/agent.ts";
import { agentPathSchema } from "../../../schema/api/parameter.ts";
import { agentApiVersion } from "../../../schema/agent.ts";
import type { LoadedAgent } from "../../../runtime/agents/catalog-types.ts";
import { agentNamed } from "../agent-named.ts";
import { json } from "../reply.ts";
import { route } from "../route.ts";

/** The agents that this server knows. */
export const agents = [
  route({
    method: "GET",
    path: "/api/v1/agents",
    id: "listAgents",
    summary: "All valid agents, by name",
    responses: { 200: { description: "The agents", schema: agentListSchema } },
    handle: ({ surface }) => json(200, { agents: surface.agents.list() }),
  }),
  route({
    method: "GET",
    path: "/api/v1/agents/:name",
    id: "getAgent",
    summary: "One agent, with the texts of its prompts",
    params: agentPathSchema,
    responses: {
      200: { description: "The agent; the ETag changes with its files", schema: agentDetailSchema },
      304: { description: "Unchanged" },
    },
    async handle({ surface, params, incoming }) {
      const agent = await agentNamed(surface.agents, params.name);
      const etag = `"${agent.digest}"`;
      if (incoming.headers["if-none-match"]?.includes(etag)) return { status: 304, headers: { etag }, body: null };
      return json(200, detail(agent), { etag });
    },
  }),
  route({
    method: "GET",
    path: "/api/v1/agents/:name/spec",
    id: "getAgentSpec",
    summary: "The agent's definition as it was written",
    params: agentPathSchema,
    responses: { 200: { description: "YAML", media: "application/yaml", schema: z.string() } },
    async handle({ surface, params }) {
      const agent = await agentNamed(surface.agents, params.name);
      return {
        status: 200,
        headers: { "content-type": "application/yaml", etag: `"${agent.digest}"` },
        body: agent.source,
      };
    },
  }),
];

function detail({ definition, soul, systemPrompt, instructions, skills }: LoadedAgent): AgentDetailBody {
  const { labels, ...metadata } = definition.metadata;
  const { soul: _soul, system_prompt: _systemPrompt, instructions: _instructions, ...spec } = definition.spec;
  return {
    api_version: agentApiVersion,
    kind: "Agent",
    metadata: { ...metadata, ...(labels === undefined || Object.keys(labels).length === 0 ? {} : { labels }) },
    spec: {
      ...spec,
      ...(soul === undefined ? {} : { soul }),
      ...(systemPrompt === undefined ? {} : { system_prompt: systemPrompt }),
      ...(instructions === undefined ? {} : { instructions }),
    },
    ...(skills.length === 0 ? {} : { skills: skills.map((skill) => ({ ...skill })) }),
  };
}
