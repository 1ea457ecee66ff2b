import { z } from "zod";

import { strictObject } from "./strict-object.ts";

const milliseconds = z.int().min(0).max(600_000);

const ruleSchema = strictObject({
  when: z.string().optional().describe("Regular expression over the last user message."),
  // No pattern: one would never match, and nobody would be told.
  after_tool: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "expected the name of a tool; a rule without `after_tool` answers after any")
    .optional()
    .describe("Answers when the last message is a result of this tool."),
  tool: strictObject({ name: z.string().min(1), arguments: z.record(z.string(), z.json()).default({}) })
    .optional()
    .describe("The tool to call."),
  say: z.string().optional().describe("The text to answer with; comes before the call if there is one."),
})
  .refine((rule) => rule.when !== undefined || rule.after_tool !== undefined, {
    message: "a rule needs `when` or `after_tool`",
  })
  .refine((rule) => rule.tool !== undefined || rule.say !== undefined, { message: "a rule needs `say` or `tool`" });

/** A rehearsed fault: call number `on_call` (from 1) fails; without `status` the connection breaks. */
const faultSchema = strictObject({
  on_call: z.int().min(1),
  status: z.int().min(400).max(599).optional(),
  message: z.string().optional(),
  retry_after_ms: milliseconds.optional(),
  after_tokens: z.int().min(0).optional().describe("Breaks off after so many tokens were shown."),
});

/** The file that `model: { provider: scripted, name: ./script.yaml }` plays. In texts `{{1}}` is a group of `when`, `{{input}}` the last user message, `{{result}}` the last tool result. */
export const modelScriptSchema = strictObject({
  rules: z.array(ruleSchema).min(1).max(1000),
  delay: strictObject({ first_token_ms: milliseconds.default(0), per_token_ms: milliseconds.default(0) }).default({
    first_token_ms: 0,
    per_token_ms: 0,
  }),
  errors: z.array(faultSchema).max(1000).default([]),
});
export type ModelScript = z.infer<typeof modelScriptSchema>;
