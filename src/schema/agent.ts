import { z } from "zod";

import { agentAccessSchema } from "./agent-access.ts";
import { agentHooksSchema } from "./agent-hooks.ts";
import { agentModelSchema } from "./agent-model.ts";
import { agentToolsSchema, shortToolsSchema } from "./agent-tools.ts";
import { limitsSchema } from "./limits.ts";
import { sessionSettingsSchema } from "./session-settings.ts";
import { strictObject } from "./strict-object.ts";

export const agentApiVersion = "duragent/v1alpha1";

// The Rust implementation takes capitals too; the catalog warns about them.
const nameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/i, "expected 1 to 63 lower-case letters, digits, _ or -, a letter or digit first");

const metadata = {
  name: nameSchema,
  description: z.string().optional(),
  version: z.string().optional(),
  labels: z.record(z.string(), z.string()).optional(),
};

/** The path of a file in the agent's folder, or the text itself. */
const prompt = z.string().min(1).optional();

const spec = {
  model: agentModelSchema,
  soul: prompt,
  system_prompt: prompt,
  instructions: prompt,
  session: sessionSettingsSchema.prefault({}),
  access: agentAccessSchema.optional(),
  memory: strictObject({
    recall_days: z.int().min(0).max(365).optional(),
    /** Of the Rust implementation; accepted, without effect. */
    backend: z.literal("filesystem").optional(),
  }).optional(),
  tools: agentToolsSchema.default([]),
  hooks: agentHooksSchema.optional(),
  skills_dir: z.string().min(1).optional(),
  limits: limitsSchema.optional(),
};

/** agent.yaml with `apiVersion`. */
export const agentDocumentSchema = strictObject({
  apiVersion: z.literal(agentApiVersion, { error: `expected ${agentApiVersion}` }),
  kind: z.literal("Agent", { error: "expected Agent" }),
  metadata: strictObject(metadata),
  spec: strictObject(spec),
});

/** One shape for both forms of agent.yaml; keys are those of the file, defaults of the shape are filled in. */
export type AgentDefinition = Pick<z.infer<typeof agentDocumentSchema>, "metadata" | "spec">;

/** agent.yaml without `apiVersion`: metadata and spec at the top level. */
export const shortAgentSchema = strictObject({ ...metadata, ...spec, tools: shortToolsSchema.default([]) }).transform(
  ({ name, description, version, labels, ...rest }): AgentDefinition => ({
    metadata: {
      name,
      ...(description === undefined ? {} : { description }),
      ...(version === undefined ? {} : { version }),
      ...(labels === undefined ? {} : { labels }),
    },
    spec: rest,
  }),
);

/** The schema of the form that a document is written in, so that errors speak of what was meant. */
export function agentSchemaFor(written: unknown): z.ZodType<AgentDefinition> {
  const longForm =
    typeof written === "object" &&
    written !== null &&
    ["apiVersion", "kind", "metadata", "spec"].some((key) => key in written);
  return longForm ? agentDocumentSchema.transform(({ metadata, spec }) => ({ metadata, spec })) : shortAgentSchema;
}

/** Both forms, for editors: schemas/agent.schema.json. */
export const agentFileSchema = z.union([agentDocumentSchema, shortAgentSchema]);
