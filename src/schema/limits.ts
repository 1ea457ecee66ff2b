import { z } from "zod";

import { strictObject } from "./strict-object.ts";

const positive = z.int().min(1).optional();
const money = z.number().min(0).optional();

/** `limits:` of duragent.yaml and agent.yaml: rates, budgets and prices; the tightest of all levels holds. */
export const limitsSchema = strictObject({
  rate: strictObject({
    requests_per_minute: positive,
    requests_per_hour: positive,
    requests_per_day: positive,
    tokens_per_minute: positive,
    concurrent_requests: positive,
  }).optional(),
  budget: strictObject({ per_session_usd: money, per_day_usd: money, per_turn_tokens: positive }).optional(),
  retry: strictObject({
    max_attempts: z.int().min(1).max(20).optional(),
    base_delay_ms: z.int().min(0).optional(),
    max_delay_ms: z.int().min(0).optional(),
  }).optional(),
  inbound: strictObject({ per_sender_per_minute: positive, per_client_per_minute: positive }).optional(),
  /** US dollars per million tokens, by `provider/model`; adds to the built-in table. */
  prices: z
    .record(z.string(), strictObject({ input: z.number().min(0), output: z.number().min(0), cached_input: money }))
    .optional(),
});
export type Limits = z.infer<typeof limitsSchema>;
