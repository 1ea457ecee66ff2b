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

/** All but `status` and `version` only for callers who may use the API. */
export const healthSchema = z.object({
  status: z.enum(["healthy", "degraded", "unhealthy"]),
  version: text,
  uptime_seconds: z.number().optional(),
  worker_id: text.optional(),
  checks: z.record(z.string(), z.unknown()).optional(),
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
