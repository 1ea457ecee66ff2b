import { join, resolve } from "node:path";

import type { WrittenConfig } from "../../schema/config-file.ts";
import type { Config } from "../../schema/config.ts";
import { foldCompatibleKeys } from "./compatible-keys.ts";

/** What the command line says; it wins over the file. Paths are absolute. */
export type ConfigOverrides = {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly agentsPath?: string | undefined;
  readonly adminToken?: Config["admin"]["token"];
  readonly watch?: boolean | undefined;
};

/** The configuration in force, from what is written and the folder that relative paths start from. */
export function resolveConfig(file: WrittenConfig, folder: string, overrides: ConfigOverrides): Config {
  const written = foldCompatibleKeys(file);
  const dataDir = resolve(folder, written.data_dir ?? ".duragent");
  const within = (path: string | undefined, ...fallback: string[]) =>
    path === undefined ? join(dataDir, ...fallback) : resolve(folder, path);
  const { server, services, agents, observability, logging } = written;
  const adminToken = overrides.adminToken ?? written.admin.token;
  return {
    dataDir,
    server: {
      host: overrides.host ?? server.host,
      port: overrides.port ?? server.port ?? 8080,
      allowedHosts: server.allowed_hosts,
      ...given("apiToken", server.api_token),
      requestTimeoutMs: server.request_timeout_seconds * 1000,
      keepAliveIntervalMs: server.keep_alive_interval_seconds * 1000,
      maxConnections: server.max_connections,
      maxStreams: server.max_streams,
      maxStreamsPerSession: server.max_streams_per_session,
      maxBodyBytes: server.max_body_bytes,
      shutdownGraceMs: server.shutdown_grace_seconds * 1000,
      corsOrigins: server.cors_origins,
      ...given("workerId", server.worker_id),
    },
    admin: { enabled: written.admin.enabled, ...given("token", adminToken) },
    ...given("defaultAgent", written.default_agent),
    agents: {
      staticPath: overrides.agentsPath ?? within(agents.static.path, "agents"),
      watch: overrides.watch ?? agents.static.watch,
      dynamicPath: within(agents.dynamic.path, "sys", "dyn_agents"),
      lazyLoad: agents.lazy_load,
      cacheSize: agents.cache_size,
      sharedSkillsPath: join(folder, ".agents", "skills"),
    },
    services: {
      session: {
        path: within(pathOf(services.session), "sessions"),
        durability: services.session.backend === "filesystem" ? services.session.durability : "synced",
      },
      memory: { path: within(pathOf(services.memory), "memory") },
      artifacts: { path: within(pathOf(services.artifacts), "artifacts") },
    },
    session: written.session,
    gateways: {
      http: { enabled: written.gateways.http.enabled },
      cli: { enabled: written.gateways.cli.enabled },
      external: written.gateways.external,
    },
    routes: written.routes,
    ...given("notify", written.notify),
    models: written.models,
    ...given("limits", written.limits),
    sandbox: { mode: sandboxMode(written.sandbox.mode), network: written.sandbox.network },
    ...given("web", written.web),
    policy: { approvalTimeoutMs: written.policy.approval_timeout ?? null },
    logging: {
      level: logging.level,
      format: logging.format,
      ...given("file", logging.file === undefined ? undefined : resolve(folder, logging.file)),
    },
    observability: {
      metrics: observability.metrics,
      tracing: given("otlpEndpoint", observability.tracing.otlp_endpoint),
    },
  };
}

function given<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value };
function given(key: string, value: unknown): Record<string, unknown> {
  return value === undefined ? {} : { [key]: value };
}

function pathOf(
  backend: { path?: string | undefined } | { backend: "postgres" | "s3" } | undefined,
): string | undefined {
  return backend !== undefined && "path" in backend ? backend.path : undefined;
}

function sandboxMode(written: WrittenConfig["sandbox"]["mode"]): Config["sandbox"]["mode"] {
  if (written === "trust") return "none";
  return written === "docker" ? "auto" : written;
}
