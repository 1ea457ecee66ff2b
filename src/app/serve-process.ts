import { boundHeap } from "../adapters/bound-heap.ts";
import type { LogSettings } from "../adapters/logging/pino.ts";
import type { GatewayStatus } from "../ports/gateway-host.ts";
import type { ServeFlags, ServerHandle } from "../surfaces/cli/ground.ts";
import type { LoadedConfig, LoadOptions } from "./config/load-config.ts";
import { gapsInAnswering } from "./gaps-in-answering.ts";
import { followProcess } from "./process-lifetime.ts";
import { startServer, type RunningServer } from "./server.ts";

const survives = {
  flushed: "an acknowledged event survives a crash of Duragent, not one of the machine",
  synced: "an acknowledged event survives a crash of the machine",
  replicated: "an acknowledged event survives the loss of a database node",
} as const;

const logLevels: Readonly<Record<number, LogSettings["level"]>> = { [-1]: "error", 1: "debug", 2: "trace" };

/** `duragent serve`: a server that lives as long as its process, and the process as long as the server. */
export async function serveProcess({
  flags,
  load,
  loaded,
}: {
  flags: ServeFlags;
  load: LoadOptions;
  loaded: LoadedConfig;
}): Promise<ServerHandle> {
  const server = await startServer({
    loaded,
    load,
    socketOnly: flags.socketOnly,
    ephemeralSeconds: flags.ephemeralSeconds,
    logLevel: logLevels[flags.verbosity],
  });
  let draining = false;
  const letGo = followProcess({
    log: server.log,
    exit: (code) => process.exit(code),
    onReload: () => void server.reload(),
    onStop(signal) {
      // Who asks again will not wait for turns to reach a safe point: the log brings them back.
      if (draining) process.exit(signal === "SIGINT" ? 130 : 143);
      draining = true;
      flags.print(`Stopping (${signal}); once more stops at once.`);
      void server.stop(signal);
    },
  });
  await announce(server, loaded, flags.print);
  const unboundHeap = boundHeap();
  return {
    stopped: server.stopped.then(() => {
      unboundHeap();
      letGo();
      return 0;
    }),
    stop: (reason) => server.stop(reason),
    reload: async () => void (await server.reload()),
  };
}

async function announce(
  { runtime, url, socket, dataDir }: RunningServer,
  { config, path, warnings }: LoadedConfig,
  print: (line: string) => void,
): Promise<void> {
  const agents = runtime.catalog.list().map(({ name }) => name);
  const invalid = runtime.catalog.invalid();
  if (url !== undefined) print(`Duragent listens on ${url} (API reference: ${url}/docs)`);
  if (socket !== undefined) print(`  socket      ${socket}`);
  print(
    `  agents      ${agents.length === 0 ? "none yet: `duragent agent create NAME` makes one" : agents.join(", ")}`,
  );
  const gateways = runtime.gateways.list();
  if (gateways.length > 0) print(`  gateways    ${gateways.map(gatewayShown).join(", ")}`);
  print(`  data        ${dataDir}${path === null ? " (no duragent.yaml: every default)" : ` (${path})`}`);
  print(`  durability  ${runtime.store.durability}: ${survives[runtime.store.durability]}`);
  const sandbox = await runtime.sandbox;
  print(`  sandbox     ${sandbox.inForce.join("; ")}`);
  if (config.server.apiToken === undefined && config.admin.token === undefined && url !== undefined)
    print("  access      this machine only (no token is set)");
  for (const { name, errors } of invalid)
    print(`  warning     the agent ${name} is not valid: ${errors[0]?.message ?? ""} (duragent doctor)`);
  for (const { message, remedy } of gapsInAnswering(config, runtime.catalog))
    print(`  warning     ${message}; ${remedy}`);
  for (const warning of [...warnings, ...sandbox.warnings]) print(`  warning     ${warning}`);
}

/** They start beside; `duragent gateway list` says how they are. */
const gatewayShown = ({ name, state }: GatewayStatus): string =>
  state === "off" ? `${name} (not joined: this server runs for a command only)` : name;
