import { z } from "zod";

import type { Check } from "../../surfaces/cli/ground.ts";

const reportSchema = z.object({
  sections: z.array(
    z.object({
      name: z.string(),
      checks: z.array(
        z.object({ status: z.enum(["ok", "warn", "error"]), message: z.string(), remedy: z.string().exactOptional() }),
      ),
    }),
  ),
});

/** What the report of a running server says in one section; nothing where there is no such report. */
export function servedChecks(served: unknown, section: string): Check[] | undefined {
  return reportSchema.safeParse(served).data?.sections.find(({ name }) => name === section)?.checks;
}
