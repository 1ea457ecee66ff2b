import { z } from "zod";

import { strictObject } from "../strict-object.ts";
import { agentNameSchema, wholeNumber } from "./parameter.ts";

const text = z.string();

/** One artifact of an agent, without its bytes. */
export const artifactSchema = z.object({
  name: text,
  content_type: text,
  bytes: z.int().min(0),
  sha256: text,
  created_at: text,
  session_id: text.optional(),
  url: text.optional(),
});
export type ArtifactBody = z.infer<typeof artifactSchema>;

export const artifactListSchema = z.object({ artifacts: z.array(artifactSchema), next_cursor: text.optional() });
export type ArtifactListBody = z.infer<typeof artifactListSchema>;

export const artifactListQuerySchema = strictObject({
  prefix: z.string().max(255).optional(),
  limit: wholeNumber(1, 1000).optional(),
  cursor: z.string().min(1).max(255).optional(),
});

/** The artifact's name, of which `/` is written `%2F` in the path. */
export const artifactPathSchema = strictObject({ name: agentNameSchema, artifact: z.string().min(1).max(255) });
