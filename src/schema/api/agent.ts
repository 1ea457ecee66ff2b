import { z } from "zod";

const text = z.string();

export const agentListSchema = z.object({
  agents: z.array(z.object({ name: text, description: text.optional(), version: text.optional() })),
});
export type AgentListBody = z.infer<typeof agentListSchema>;

/** A definition with the texts of its prompts in place of their paths. */
export const agentDetailSchema = z.object({
  api_version: text,
  kind: z.literal("Agent"),
  metadata: z.object({
    name: text,
    description: text.optional(),
    version: text.optional(),
    labels: z.record(z.string(), z.string()).optional(),
  }),
  spec: z.looseObject({
    model: z.looseObject({ provider: text, name: text }),
    soul: text.optional(),
    system_prompt: text.optional(),
    instructions: text.optional(),
  }),
  /** `path`: of its SKILL.md, on the server. */
  skills: z.array(z.object({ name: text, description: text, path: text })).optional(),
});
export type AgentDetailBody = z.infer<typeof agentDetailSchema>;

export const deployedAgentSchema = z.object({ agent: text, action: z.enum(["created", "updated", "unchanged"]) });
export type DeployedAgentBody = z.infer<typeof deployedAgentSchema>;
