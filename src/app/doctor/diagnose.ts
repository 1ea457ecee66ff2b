import { access } from "node:fs/promises";
import { join } from "node:path";

import { createSystemClock } from "../../adapters/clock/system.ts";
import { yamlErrorLine } from "../../schema/yaml-document.ts";
import type { Check, CheckStatus, DoctorReport } from "../../surfaces/cli/ground.ts";
import { openCatalog, openModels, type Runtime } from "../build-runtime.ts";
import { ConfigError } from "../config/config-error.ts";
import { loadConfig, type LoadedConfig, type LoadOptions } from "../config/load-config.ts";
import { openConfiguredSandbox } from "../open-sandbox.ts";
import { checkAgents } from "./check-agents.ts";
import { checkClock } from "./check-clock.ts";
import { checkCodingAgents } from "./check-coding-agents.ts";
import { checkDisk } from "./check-disk.ts";
import { checkGateways } from "./check-gateways.ts";
import { checkListen } from "./check-listening.ts";
import { checkMcp } from "./check-mcp.ts";
import { checkModes } from "./check-modes.ts";
import { checkPrograms } from "./check-programs.ts";
import { checkSandbox } from "./check-sandbox.ts";
import { checkPolicies } from "./check-policies.ts";
import { checkStore } from "./check-store.ts";
import { quietLog } from "./quiet-log.ts";
import { servedChecks } from "./served-checks.ts";

export type Diagnosis = {
  load: LoadOptions;
  /** Ask each model for one tiny answer. */
  online: boolean;
  /** Mend what is safe to mend. */
  fix: boolean;
  /** The server that asks about itself, which holds the lock. */
  server?: { runtime: Runtime };
  /** What the server that holds the directory says about itself: its own report. */
  served?: unknown;
};

type Section = { name: string; checks: Check[] };

async function section(name: string, look: () => Promise<Check[]>): Promise<Section> {
  try {
    return { name, checks: await look() };
  } catch (error) {
    // A check that can not be made is a finding of its own, and the others go on.
    return { name, checks: [{ status: "error", message: error instanceof Error ? error.message : String(error) }] };
  }
}

function reportOf(sections: Section[]): DoctorReport {
  const count = (status: CheckStatus): number =>
    sections.flatMap(({ checks }) => checks).filter((check) => check.status === status).length;
  const summary = { ok: count("ok"), warn: count("warn"), error: count("error") };
  return { status: summary.error > 0 ? "error" : summary.warn > 0 ? "warn" : "ok", sections, summary };
}

async function configurationOf(load: LoadOptions): Promise<{ checks: Check[]; loaded: LoadedConfig | null }> {
  try {
    const loaded = await loadConfig(load);
    const found: Check = {
      status: "ok",
      message: loaded.path === null ? "no duragent.yaml: every default is in force" : `${loaded.path} is valid`,
    };
    const warnings = loaded.warnings.map((message): Check => ({ status: "warn", message }));
    return { checks: [found, ...warnings, ...checkListen(loaded.config)], loaded };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return {
      checks: error.errors.map((wrong) => ({
        status: "error",
        message: yamlErrorLine(wrong),
        remedy: "mend it there",
      })),
      loaded: null,
    };
  }
}

/** Looks at everything that a server stands on; says what is wrong, where, and how to mend it. */
export async function diagnose(options: Diagnosis): Promise<DoctorReport> {
  const { checks, loaded } = await configurationOf(options.load);
  const configuration: Section = { name: "Configuration", checks };
  if (loaded === null) return reportOf([configuration]);

  const { config } = loaded;
  const clock = options.server?.runtime.clock ?? createSystemClock();
  const exists = await access(config.dataDir).then(
    () => true,
    () => false,
  );
  const gateways: Section = { name: "Gateways", checks: [] };
  const agents = await section("Agents", async () => {
    const catalog = options.server?.runtime.catalog ?? (await openCatalog(config, { log: quietLog, clock }));
    try {
      const running = options.server?.runtime.gateways.list();
      const told = servedChecks(options.served, "Gateways");
      const look = async (): Promise<Check[]> => told ?? (await checkGateways({ loaded, catalog, running }));
      gateways.checks = (await section("Gateways", look)).checks;
      const models = options.server?.runtime.models ?? (await openModels(loaded, clock));
      return [
        ...(await checkAgents({ catalog, models, config, online: options.online })),
        ...(await checkPolicies(catalog, config, options.fix)),
        ...(await checkCodingAgents({ catalog, env: loaded.env })),
        ...(await checkPrograms(catalog, join(config.dataDir, "tools"))),
        ...(await checkMcp({
          catalog,
          env: loaded.env,
          online: options.online,
          isOffline: config.sandbox.mode !== "none" && !config.sandbox.network,
        })),
      ];
    } finally {
      if (options.server === undefined) await catalog.close();
    }
  });
  const sandbox = await section("Sandbox", async () =>
    checkSandbox(await (options.server?.runtime.sandbox ?? openConfiguredSandbox(loaded))),
  );
  const joining = gateways.checks.length > 0 ? [gateways] : [];
  if (!exists) {
    const missing: Check = {
      status: "warn",
      message: `there is no data directory ${config.dataDir} yet`,
      remedy: "duragent init, or duragent serve, makes it",
    };
    return reportOf([configuration, agents, ...joining, sandbox, { name: "Data directory", checks: [missing] }]);
  }
  return reportOf([
    configuration,
    agents,
    ...joining,
    sandbox,
    await section("Data directory", async () => [
      ...(await checkModes(config.dataDir, options.fix)),
      ...(await checkDisk(config.dataDir)),
      ...(await checkClock(config.dataDir, clock.now())),
    ]),
    await section("Sessions", () => checkStore(loaded, clock, options)),
  ]);
}
