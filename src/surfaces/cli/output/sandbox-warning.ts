import type { HealthBody } from "../../../schema/api/server.ts";

/** Why nothing holds the commands of agents back, and the remedy; `null` where a sandbox does, or nobody may know. */
export function sandboxWarning({ checks }: Pick<HealthBody, "checks">): string | null {
  const sandbox = checks?.sandbox;
  if (sandbox?.kind !== "none") return null;
  return sandbox.warnings.join("; ") || sandbox.in_force.join("; ");
}
