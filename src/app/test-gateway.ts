import { createSystemClock } from "../adapters/clock/system.ts";
import type { Log } from "../ports/telemetry.ts";
import type { GatewayBody, GatewayTrialBody, TryGateway } from "../schema/api/gateway.ts";
import { CommandFailure, exitCodes } from "../surfaces/cli/exit.ts";
import { gatewayBody, tryGateway } from "../surfaces/http/gateway-body.ts";
import type { LoadedConfig } from "./config/load-config.ts";
import { openDataDirectory } from "./open-data-directory.ts";
import { openGatewayHost } from "./open-gateways.ts";

const readyWaitMs = 30_000;
const logLinesMax = 20;
const noMetrics = { add: () => undefined, observe: () => undefined, gauge: () => undefined };

/** The gateways of the configuration as they are where no server runs them. */
export async function configuredGateways(loaded: LoadedConfig): Promise<GatewayBody[]> {
  const ground = { clock: createSystemClock(), log: keptLog([]), metrics: noMetrics, off: false };
  return (await openGatewayHost(loaded, ground)).list().map(gatewayBody);
}

/**
 * Starts one gateway's program with its configuration, waits until it is ready, asks it and ends it. What comes in meanwhile
 * is not confirmed, so that platforms which deliver again do so to the server. Throws CommandFailure where there is none of
 * that name, or where a server holds the data directory.
 */
export async function testGateway(loaded: LoadedConfig, name: string, message: TryGateway): Promise<GatewayTrialBody> {
  const { config } = loaded;
  const gateway = config.gateways.external.find((one) => one.name === name);
  if (!gateway) throw noGateway(name, config.gateways.external);
  await using directory = await openDataDirectory(config, { tighten: false });
  const clock = createSystemClock();
  const lines: string[] = [];
  // One start is what is tried: one that fails is not hidden by another.
  const external = [{ ...gateway, restart: "never" as const }];
  const tried = {
    ...loaded,
    config: { ...config, dataDir: directory.path, gateways: { ...config.gateways, external } },
  };
  const host = await openGatewayHost(tried, { clock, log: keptLog(lines), metrics: noMetrics, off: false });
  try {
    host.start({ received: () => Promise.resolve(), changed: () => undefined });
    const requestId = `test-${clock.ulid()}`;
    const trial = await tryGateway(host, { ...message, name, requestId, clock, waitMs: readyWaitMs });
    return { ...trial, log: lines };
  } finally {
    await host.stop();
  }
}

function noGateway(name: string, external: LoadedConfig["config"]["gateways"]["external"]): CommandFailure {
  const names = external.map((one) => one.name).join(", ");
  return new CommandFailure(exitCodes.failed, `there is no gateway ${name} in duragent.yaml`, {
    hint: names === "" ? "add one under gateways, see docs/gateways.md" : `there are: ${names}`,
  });
}

/** Keeps the last lines that a gateway writes to its log, and nothing else. */
function keptLog(lines: string[]): Log {
  const keep: Log["info"] = ({ line }) => {
    if (typeof line !== "string") return;
    lines.push(line);
    if (lines.length > logLinesMax) lines.shift();
  };
  const log: Log = { debug: keep, info: keep, warn: keep, error: keep, child: () => log };
  return log;
}
