import { z } from "zod";

import { memoryListSchema, memoryQuerySchema, putMemorySchema } from "../../../schema/api/memory.ts";
import { agentPathSchema } from "../../../schema/api/parameter.ts";
import { agentNamed } from "../agent-named.ts";
import { json, noContent } from "../reply.ts";
import { route } from "../route.ts";

const limitDefault = 50;

/** What an agent remembers. */
export const memory = [
  route({
    method: "GET",
    path: "/api/v1/agents/:name/memory",
    id: "queryMemory",
    summary: "What the agent remembers: MEMORY.md and the world first, then what was noted, newest first",
    params: agentPathSchema,
    query: memoryQuerySchema,
    responses: { 200: { description: "What fits all conditions", schema: memoryListSchema } },
    async handle({ surface, params, query: { q, kind, since, limit } }) {
      const { name } = await agentNamed(surface.agents, params.name);
      const memories = await surface.memory.query(name, {
        ...(q === undefined ? {} : { text: q }),
        ...(kind === undefined ? {} : { kinds: [kind] }),
        ...(since === undefined ? {} : { since }),
        limit: limit ?? limitDefault,
      });
      return json(200, { memories });
    },
  }),
  route({
    method: "POST",
    path: "/api/v1/agents/:name/memory",
    id: "putMemory",
    summary: "Let the agent remember something",
    params: agentPathSchema,
    body: putMemorySchema,
    idempotent: true,
    responses: { 204: { description: "It is stored durably" } },
    async handle({ surface, params, body, idempotencyKey }) {
      const { name } = await agentNamed(surface.agents, params.name);
      await surface.memory.put(name, {
        ...body,
        at: surface.clock.now(),
        // Apart from the keys of the agent's own calls.
        ...(idempotencyKey === undefined ? {} : { idempotencyKey: `http ${idempotencyKey}` }),
      });
      return noContent();
    },
  }),
  route({
    method: "GET",
    path: "/api/v1/agents/:name/memory/export",
    id: "exportMemory",
    summary: "All that the agent remembers, as Markdown files",
    params: agentPathSchema,
    responses: { 200: { description: "A tar archive", media: "application/x-tar", schema: z.string() } },
    async handle({ surface, params }) {
      const { name } = await agentNamed(surface.agents, params.name);
      return {
        status: 200,
        headers: {
          "content-type": "application/x-tar",
          "content-disposition": `attachment; filename="${name}-memory.tar"`,
        },
        body: ReadableStream.from(surface.memory.export(name)),
      };
    },
  }),
];
