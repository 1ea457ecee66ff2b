import type { ModelProviderConfig } from "./config-models.ts";
import type { ExternalGateway } from "./config-gateways.ts";
import type { WrittenConfig } from "./config-file.ts";
import type { Limits } from "./limits.ts";
import type { Secret } from "./secret.ts";
import type { WrittenSessionSettings } from "./session-settings.ts";

/**
 * The configuration in force: compatible keys folded into their successors, defaults filled in, every path absolute.
 * What is optional here was not set.
 */
export type Config = {
  readonly dataDir: string;
  readonly server: {
    readonly host: string;
    readonly port: number;
    readonly allowedHosts: readonly string[];
    readonly apiToken?: Secret;
    readonly requestTimeoutMs: number;
    readonly keepAliveIntervalMs: number;
    readonly maxConnections: number;
    readonly maxStreams: number;
    readonly maxStreamsPerSession: number;
    readonly maxBodyBytes: number;
    readonly shutdownGraceMs: number;
    readonly corsOrigins: readonly string[];
    readonly workerId?: string;
  };
  readonly admin: { readonly enabled: boolean; readonly token?: Secret };
  readonly defaultAgent?: string;
  readonly agents: {
    readonly staticPath: string;
    readonly watch: boolean;
    readonly dynamicPath: string;
    readonly lazyLoad: boolean;
    readonly cacheSize: number;
    /** Of every agent: `.agents/skills` beside duragent.yaml. */
    readonly sharedSkillsPath: string;
  };
  readonly services: {
    readonly session: { readonly path: string; readonly durability: "synced" | "flushed" };
    readonly memory: { readonly path: string };
    readonly artifacts: { readonly path: string };
  };
  /** Defaults for every agent: an argument of `sessionSettings`. */
  readonly session: WrittenSessionSettings;
  readonly gateways: {
    /** `false`: unix socket only. */
    readonly http: { readonly enabled: boolean };
    /** `false`: no unix socket. */
    readonly cli: { readonly enabled: boolean };
    readonly external: readonly ExternalGateway[];
  };
  readonly routes: WrittenConfig["routes"];
  readonly notify?: NonNullable<WrittenConfig["notify"]>;
  /** By the name under which agents choose them. */
  readonly models: { readonly providers: Readonly<Record<string, ModelProviderConfig>> };
  readonly limits?: Limits;
  readonly sandbox: { readonly mode: "auto" | "bubblewrap" | "none"; readonly network: boolean };
  readonly web?: NonNullable<WrittenConfig["web"]>;
  readonly policy: { readonly approvalTimeoutMs: number | null };
  readonly logging: {
    readonly level: "trace" | "debug" | "info" | "warn" | "error";
    readonly format: "auto" | "pretty" | "json";
    readonly file?: string;
  };
  readonly observability: {
    readonly metrics: { readonly enabled: boolean; readonly public: boolean };
    readonly tracing: { readonly otlpEndpoint?: string };
  };
};
