import { z } from "zod";

import { strictObject } from "../strict-object.ts";
import { textSchema, wholeNumber } from "./parameter.ts";

const text = z.string();
/** Of the entries of a day. */
export const notedKinds = ["decision", "preference", "fact", "note"] as const;
export const memoryKinds = [...notedKinds, "memory", "world"] as const;
const kindSchema = z.enum(memoryKinds);

export const memoryQuerySchema = strictObject({
  /** Words that must all occur. */
  q: z.string().min(1).max(500).optional(),
  kind: kindSchema.optional(),
  since: z.iso.date("must be a day as YYYY-MM-DD").optional(),
  limit: wholeNumber(1, 1_000).optional(),
});

export const memoryListSchema = z.object({
  memories: z.array(
    z.object({
      kind: kindSchema,
      content: text,
      topic: text.optional(),
      /** YYYY-MM-DD, of entries of a day. */
      day: text.optional(),
      /** Whose it is; absent where nobody's. */
      agent: text.optional(),
    }),
  ),
});
export type MemoryListBody = z.infer<typeof memoryListSchema>;

/** An entry of today; or a text that replaces the agent's MEMORY.md, or what is known about a topic. */
export const putMemorySchema = strictObject({
  kind: kindSchema,
  /** Of `world`, and only there. */
  topic: z.string().min(1).optional(),
  content: z.string().min(1).pipe(textSchema),
}).superRefine(({ kind, topic }, context) => {
  if ((kind === "world") === (topic !== undefined)) return;
  const message = kind === "world" ? "world needs a topic" : `${kind} has no topic`;
  context.addIssue({ code: "custom", path: ["topic"], message });
});
export type PutMemoryBody = z.input<typeof putMemorySchema>;
