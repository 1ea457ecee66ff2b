import type { HealthBody, ReadinessBody } from "../schema/api/server.ts";
import type { ConfigWatch } from "./config/watch-config.ts";
import type { Runtime } from "./build-runtime.ts";
import { policyFolders } from "./policy-folders.ts";

/** Of more agents the policy files are not looked at: whoever asks waits for it. */
const policyAgentsMax = 200;

/** Where a server is in its life. */
export type Phase = "starting" | "ok" | "draining";

export type HealthParts = {
  runtime: Pick<Runtime, "store" | "catalog" | "sessions" | "sandbox" | "gateways">;
  phase(): Phase;
  dataDir: string;
  /** Of the canonical data directory path. */
  workspaceHash: string;
  configProblems(): ReturnType<ConfigWatch["problems"]>;
};

/** What `/readyz` says: counts only. */
export async function readinessOf({ runtime, phase, workspaceHash }: HealthParts): Promise<ReadinessBody> {
  const store = await runtime.store.health();
  const now = phase();
  const gateways = runtime.gateways.list();
  return {
    status: now !== "ok" ? now : store.ok ? "ok" : "unavailable",
    workspace_hash: workspaceHash,
    checks: {
      store: { ok: store.ok, durability: runtime.store.durability },
      agents: { loaded: runtime.catalog.list().length, invalid: runtime.catalog.invalid().length },
      gateways: {
        ready: gateways.filter(({ state }) => state === "ready").length,
        failed: gateways.filter(({ state }) => state === "failed").length,
      },
    },
  };
}

/** Unhealthy: nothing can be kept. Degraded: something that a person should mend; the rest works. */
export async function healthOf({
  runtime,
  phase,
  dataDir,
  configProblems,
}: HealthParts): Promise<Pick<HealthBody, "status" | "checks">> {
  const [store, sessions, sandbox] = await Promise.all([
    runtime.store.health(),
    runtime.sessions.problems(),
    runtime.sandbox,
  ]);
  const invalid = runtime.catalog.invalid();
  const configuration = configProblems();
  // Loaded when somebody asks: a server whose agents have no tools needs nothing of it.
  const { policyProblemsIn } = await import("../adapters/policy/policy-file.ts");
  const policies = (await policyFolders(runtime.catalog, dataDir, policyAgentsMax)).flatMap(policyProblemsIn);
  const gateways = runtime.gateways.list();
  const failed = gateways.filter(({ state }) => state === "failed");
  const wrong = [invalid, sessions, configuration, policies, failed].some((problems) => problems.length > 0);
  const degraded = wrong || phase() === "draining";
  return {
    status: !store.ok ? "unhealthy" : degraded ? "degraded" : "healthy",
    checks: {
      phase: phase(),
      store:
        store.detail === undefined
          ? { ok: store.ok, durability: runtime.store.durability }
          : { ok: store.ok, durability: runtime.store.durability, detail: store.detail },
      agents: {
        loaded: runtime.catalog.list().length,
        invalid: invalid.map(({ name, errors, servingLastGood }) => ({
          name,
          serving_last_good: servingLastGood,
          errors: errors.map((error) => ({ ...error })),
        })),
      },
      sessions: sessions.map(({ sessionId, code, detail }) => ({ session_id: sessionId, code, detail })),
      configuration: configuration.map((error) => ({ ...error })),
      sandbox: { kind: sandbox.kind, in_force: [...sandbox.inForce], warnings: [...sandbox.warnings] },
      gateways: gateways.map(({ name, state, connected, restarts, lastError }) => ({
        name,
        state,
        connected,
        restarts,
        ...(lastError === undefined ? {} : { last_error: lastError }),
      })),
      policies: policies.map((problem) => ({ ...problem })),
    },
  };
}
