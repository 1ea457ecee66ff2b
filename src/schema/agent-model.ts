import { z } from "zod";

import { strictObject } from "./strict-object.ts";

const tokens = z.int().min(1).optional();

const chosenModel = {
  provider: z.string().min(1),
  name: z.string().min(1),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().min(0).max(1).optional(),
  max_output_tokens: tokens,
  /** The older name of `max_output_tokens`. */
  max_tokens: tokens,
  max_input_tokens: tokens,
  base_url: z.url({ protocol: /^https?$/, error: "expected an http or https URL" }).optional(),
  reasoning_effort: z.string().min(1).optional(),
  /** Which of OpenAI's two dialects to speak. */
  api: z.enum(["chat", "responses"]).optional(),
};

function oneOutputLimit<Model extends { max_tokens?: number | undefined; max_output_tokens?: number | undefined }>(
  model: Model,
) {
  const { max_tokens, ...rest } = model;
  const limit = model.max_output_tokens ?? max_tokens;
  return limit === undefined ? rest : { ...rest, max_output_tokens: limit };
}

/** One more model to try, after the retries of the one before it. How it answers is the first one's where it does not say, where it is reached is not. */
const fallbackSchema = strictObject(chosenModel).transform(oneOutputLimit);

export const agentModelSchema = strictObject({ ...chosenModel, fallbacks: z.array(fallbackSchema).max(16).default([]) })
  .refine((model) => model.max_tokens === undefined || model.max_output_tokens === undefined, {
    path: ["max_tokens"],
    error: 'the same as "max_output_tokens", which is given too; keep one of them',
  })
  .transform(oneOutputLimit);

export type AgentModel = z.infer<typeof agentModelSchema>;
