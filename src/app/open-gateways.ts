import type { Clock } from "../ports/clock.ts";
import type { GatewayHost } from "../ports/gateway-host.ts";
import type { Log, Metrics } from "../ports/telemetry.ts";
import { noGateways } from "../runtime/gateways/no-gateways.ts";
import { DuragentError } from "../schema/problem.ts";
import type { LoadedConfig } from "./config/load-config.ts";

/** A server without gateways loads nothing of theirs. */
const emptyHost: GatewayHost = {
  ...noGateways,
  start: () => undefined,
  list: () => [],
  restart: (name) => Promise.reject(notConfigured(name)),
  ping: (name) => Promise.reject(notConfigured(name)),
  stop: () => Promise.resolve(),
};

const notConfigured = (name: string): DuragentError =>
  new DuragentError("not-found", `There is no gateway "${name}": duragent.yaml configures none.`);

export type GatewayGround = {
  clock: Clock;
  log: Log;
  metrics: Metrics;
  /** Starts none: a server that a command has started for itself joins no chats. */
  off: boolean;
};

/** The programs under `gateways:`, none of them started yet. */
export async function openGatewayHost(
  { config, env, folder }: Pick<LoadedConfig, "config" | "env" | "folder">,
  ground: GatewayGround,
): Promise<GatewayHost> {
  const { external } = config.gateways;
  if (external.length === 0) return emptyHost;
  const [{ createGatewayHost }, { minimalEnvironment }, { Watchdog }] = await Promise.all([
    import("../adapters/gateways/host.ts"),
    import("../adapters/processes/minimal-environment.ts"),
    import("../adapters/processes/watchdog.ts"),
  ]);
  const watchdog = new Watchdog();
  const host = createGatewayHost({
    ...ground,
    gateways: external,
    configFolder: folder,
    dataDir: config.dataDir,
    env,
    environment: minimalEnvironment({ ...env }),
    watch: (group, mark) => watchdog.watch(group, mark),
  });
  return {
    ...host,
    async stop() {
      await host.stop();
      watchdog.close();
    },
  };
}
