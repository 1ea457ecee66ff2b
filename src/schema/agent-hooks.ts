import { z } from "zod";

import { strictObject } from "./strict-object.ts";

const pattern = z.string().min(1);

const beforeTool = z.discriminatedUnion(
  "type",
  [
    strictObject({
      match: pattern,
      type: z.literal("depends_on"),
      prior: pattern.optional(),
      match_arg: z.string().optional(),
    }),
    strictObject({ match: pattern, type: z.literal("skip_duplicate"), match_args: z.array(z.string()).default([]) }),
  ],
  { error: 'expected a hook with "type": depends_on or skip_duplicate' },
);

const afterTool = strictObject({
  match: pattern,
  message: z.string().min(1),
  unless: z.record(z.string(), z.json()).optional(),
});

/** Guards before a tool call and reminders after one; patterns are `tool` or `tool:action`, with `*`. */
export const agentHooksSchema = strictObject({
  before_tool: z.array(beforeTool).default([]),
  after_tool: z.array(afterTool).default([]),
});
