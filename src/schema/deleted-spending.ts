import { z } from "zod";

/** What outlives a session that is deleted: what its model calls cost (US dollars by provider) on its newest days. */
export const deletedSpendingSchema = z.object({
  /** Whose budget it counts against, as the runtime names it. */
  agent: z.string(),
  days: z.array(z.object({ day: z.string(), costs: z.record(z.string(), z.number().min(0)) })),
});
export type DeletedSpending = z.infer<typeof deletedSpendingSchema>;
