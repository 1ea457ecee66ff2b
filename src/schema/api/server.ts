import { z } from "zod";

import { strictObject } from "../strict-object.ts";

const text = z.string();

export const readinessSchema = z.object({
  status: z.enum(["ok", "starting", "draining", "unavailable"]),
  workspace_hash: text,
  checks: z.object({
    store: z.object({ ok: z.boolean(), durability: text }),
    agents: z.object({ loaded: z.int(), invalid: z.int() }),
    gateways: z.object({ ready: z.int(), failed: z.int() }),
  }),
});
export type ReadinessBody = z.infer<typeof readinessSchema>;

/** What holds the commands of agents back; `warnings`: what is missing, why, and the remedy. */
export const sandboxHealthSchema = z.object({
  kind: z.enum(["bubblewrap", "none"]),
  in_force: z.array(text),
  warnings: z.array(text),
});
export type SandboxHealth = z.infer<typeof sandboxHealthSchema>;

const invalidAgentSchema = z.object({
  name: text,
  serving_last_good: z.boolean(),
  errors: z.array(
    z.object({
      file: text,
      line: z.int().optional(),
      column: z.int().optional(),
      path: text.optional(),
      message: text,
    }),
  ),
});
export type InvalidAgentHealth = z.infer<typeof invalidAgentSchema>;

const checksSchema = z.looseObject({
  sandbox: sandboxHealthSchema.optional(),
  agents: z.object({ loaded: z.int(), invalid: z.array(invalidAgentSchema) }).optional(),
});

/** All but `status` and `version` only for callers who may use the API. */
export const healthSchema = z.object({
  status: z.enum(["healthy", "degraded", "unhealthy"]),
  version: text,
  uptime_seconds: z.number().optional(),
  worker_id: text.optional(),
  checks: checksSchema.optional(),
});
export type HealthBody = z.infer<typeof healthSchema>;

export const versionSchema = z.object({ version: text, commit: text, build_date: text, variant: text });
export type VersionBody = z.infer<typeof versionSchema>;

export const reloadedSchema = z.object({ agents: z.int() });

const logProblemSchema = z.object({ file: text, line: z.int().optional(), reason: text });
export const verifyReportSchema = z.object({
  session_id: text,
  events: z.int(),
  bytes: z.int(),
  problems: z.array(logProblemSchema),
});
export type VerifyReportBody = z.infer<typeof verifyReportSchema>;

export const repairSchema = strictObject({ apply: z.boolean().optional(), reseal: z.boolean().optional() });
export const repairReportSchema = verifyReportSchema.extend({ actions: z.array(text), applied: z.boolean() });
export type RepairReportBody = z.infer<typeof repairReportSchema>;
