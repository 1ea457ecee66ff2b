import { z } from "zod";

import type { Usage } from "../../schema/session-event.ts";

const count = z.int().min(0).nullish();
const anthropicSchema = z.object({
  type: z.literal("message_start"),
  message: z.object({
    usage: z.object({
      input_tokens: count,
      cache_read_input_tokens: count,
      cache_creation_input_tokens: count,
      output_tokens: count,
    }),
  }),
});
const googleSchema = z.object({
  usageMetadata: z.object({ promptTokenCount: count, cachedContentTokenCount: count, candidatesTokenCount: count }),
});

/**
 * What a provider says of the usage before a response has ended, from one of its own stream events: a call that is cut or
 * cancelled has cost that all the same. Anthropic tells the input first of all, Gemini with every piece; others at the end.
 */
export function earlyUsage(event: unknown): Usage | undefined {
  if (typeof event !== "object" || event === null) return undefined;
  if ("message" in event) {
    const usage = anthropicSchema.safeParse(event).data?.message.usage;
    if (usage === undefined) return undefined;
    const cached = usage.cache_read_input_tokens ?? 0;
    const prompt = (usage.input_tokens ?? 0) + cached + (usage.cache_creation_input_tokens ?? 0);
    return usageOf({ prompt, cached, completion: usage.output_tokens ?? 0 });
  }
  if (!("usageMetadata" in event)) return undefined;
  const usage = googleSchema.safeParse(event).data?.usageMetadata;
  const prompt = usage?.promptTokenCount ?? undefined;
  if (usage === undefined || prompt === undefined) return undefined;
  return usageOf({
    prompt,
    cached: usage.cachedContentTokenCount ?? 0,
    completion: usage.candidatesTokenCount ?? 0,
  });
}

function usageOf({ prompt, cached, completion }: { prompt: number; cached: number; completion: number }): Usage {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    ...(cached > 0 && { cached_prompt_tokens: cached }),
  };
}
