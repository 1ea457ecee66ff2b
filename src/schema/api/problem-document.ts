import { z } from "zod";

const text = z.string();

/** RFC 9457; `type` is `urn:duragent:problem:<code>`, `instance` the request's id. */
export const problemDocumentSchema = z.looseObject({
  type: text,
  title: text,
  status: z.int(),
  detail: text.optional(),
  instance: text.optional(),
  errors: z.array(z.object({ path: text, message: text })).optional(),
  outcome: z.literal("unknown").optional(),
});
export type ProblemDocument = z.infer<typeof problemDocumentSchema>;
