import type { Log, Metrics } from "../ports/telemetry.ts";
import type { Config } from "../schema/config.ts";
import { CommandFailure, exitCodes } from "../surfaces/cli/exit.ts";
import { programVersion } from "../surfaces/cli/version.ts";
import { createHttpApp } from "../surfaces/http/app.ts";
import { listen, type Listener } from "../surfaces/http/listen.ts";
import type { HttpOptions } from "../surfaces/http/options.ts";
import type { Runtime } from "./build-runtime.ts";
import { healthOf, readinessOf, type HealthParts } from "./health.ts";
import { urlOf } from "./listening.ts";
import { socketPathFor } from "./socket-path.ts";

export type SurfaceOptions = {
  config: Config;
  env: Readonly<Record<string, string | undefined>>;
  listening: { tcp: boolean; socket: boolean };
  dataDir: string;
  runtime: Runtime;
  log: Log;
  metrics: Metrics;
  renderMetrics: HttpOptions["renderMetrics"];
  health: HealthParts;
} & Pick<HttpOptions, "doctor" | "reload" | "shutdown">;

export type OpenSurface = Pick<Listener, "openRequests" | "close"> & {
  readonly url: string | undefined;
  readonly socket: string | undefined;
};

/** The HTTP API where configuration wants it. Throws CommandFailure 69 when its address can not be had. */
export async function openSurface(options: SurfaceOptions): Promise<OpenSurface> {
  const { config, runtime, log, listening } = options;
  const { server, admin, observability } = config;
  const surface = createHttpApp({
    sessions: runtime.sessions,
    agents: runtime.catalog,
    deployment: runtime.catalog,
    artifacts: runtime.artifacts,
    memory: runtime.memory,
    gateways: runtime.gateways,
    log,
    metrics: options.metrics,
    renderMetrics: options.renderMetrics,
    clock: runtime.clock,
    access: {
      host: server.host,
      allowedHosts: server.allowedHosts,
      apiToken: server.apiToken?.reveal(),
      adminToken: admin.token?.reveal(),
      adminEnabled: admin.enabled,
      corsOrigins: server.corsOrigins,
      metricsEnabled: observability.metrics.enabled,
      metricsPublic: observability.metrics.public,
    },
    limits: {
      bodyBytes: server.maxBodyBytes,
      streams: server.maxStreams,
      streamsPerSession: server.maxStreamsPerSession,
      requestTimeoutMs: server.requestTimeoutMs,
      keepAliveMs: server.keepAliveIntervalMs,
    },
    version: { version: programVersion(), commit: "unknown", build_date: "unknown", variant: "node" },
    workerId: runtime.workerId,
    health: () => healthOf(options.health),
    readiness: () => readinessOf(options.health),
    doctor: options.doctor,
    reload: options.reload,
    shutdown: options.shutdown,
  });
  const socketPath = listening.socket ? await socketPathFor(options.dataDir, options.env) : undefined;
  try {
    const listener = await listen(surface, {
      tcp: listening.tcp ? { host: server.host, port: server.port } : undefined,
      socketPath,
      maxConnections: server.maxConnections,
      clock: runtime.clock,
      log,
    });
    return {
      url: listener.port === undefined ? undefined : urlOf(server.host, listener.port),
      socket: listener.socketPath,
      openRequests: listener.openRequests,
      close: listener.close,
    };
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    const where = "port" in error ? urlOf(server.host, server.port) : (socketPath ?? server.host);
    const reason = error.code === "EADDRINUSE" ? "another program listens there" : error.message;
    const hint =
      error.code === "EADDRINUSE"
        ? `choose another port: --port ${server.port + 1}, or server.port in duragent.yaml`
        : "check server.host and server.port in duragent.yaml";
    throw new CommandFailure(exitCodes.unavailable, `can not listen on ${where}: ${reason}`, { hint, cause: error });
  }
}
