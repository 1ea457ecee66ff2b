import { z } from "zod";

import { gatewaysSchema, notifySchema, routesSchema } from "./config-gateways.ts";
import { modelsSchema } from "./config-models.ts";
import { servicesSchema } from "./config-services.ts";
import { limitsSchema } from "./limits.ts";
import { durationMs, sizeBytes } from "./quantity.ts";
import { secretText } from "./secret.ts";
import { sessionSettingsSchema } from "./session-settings.ts";
import { strictObject } from "./strict-object.ts";

const text = z.string().min(1);
const seconds = z.number().gt(0).max(86_400);
const many = z.int().min(1).max(10_000_000);
const httpUrl = z.url({ protocol: /^https?$/, error: "expected an http or https URL" });
const origin = z.string().regex(/^(\*|https?:\/\/[^/\s]+)$/, "expected an origin, e.g. https://app.example");

const serverSchema = strictObject({
  host: text.default("127.0.0.1"),
  port: z.int().min(0).max(65_535).optional(),
  allowed_hosts: z.array(text).default([]),
  api_token: secretText.optional(),
  request_timeout_seconds: seconds.default(300),
  /** Read as `session.idle_timeout_seconds`. */
  idle_timeout_seconds: seconds.optional(),
  keep_alive_interval_seconds: seconds.default(15),
  max_connections: many.default(12_000),
  max_streams: many.default(10_000),
  max_streams_per_session: many.default(1_000),
  max_body_bytes: sizeBytes.default(2_097_152),
  shutdown_grace_seconds: z.number().min(0).max(86_400).default(30),
  cors_origins: z.array(origin).default([]),
  worker_id: text.optional(),
  /** Read as `admin.token`. */
  admin_token: secretText.optional(),
});

const searchSchema = strictObject({
  provider: z.enum(["brave", "searxng", "tavily"]),
  api_key: secretText.optional(),
  base_url: httpUrl.optional(),
});

/** duragent.yaml as it may be written, compatible keys included; nothing is required. */
export const configFileSchema = strictObject({
  data_dir: text.optional(),
  /** The older name of `data_dir`. */
  workspace: text.optional(),
  server: serverSchema.prefault({}),
  admin: strictObject({ enabled: z.boolean().default(true), token: secretText.optional() }).prefault({}),
  default_agent: text.optional(),
  agents: strictObject({
    static: strictObject({ path: text.optional(), watch: z.boolean().default(true) }).prefault({}),
    dynamic: strictObject({ path: text.optional() }).prefault({}),
    lazy_load: z.boolean().default(false),
    cache_size: many.default(10_000),
  }).prefault({}),
  /** The older name of `agents.static.path`. */
  agents_dir: text.optional(),
  services: servicesSchema.prefault({}),
  session: sessionSettingsSchema.prefault({}),
  /** The older name of `session`. */
  sessions: sessionSettingsSchema.optional(),
  world_memory: strictObject({ path: text.optional() }).optional(),
  memory: strictObject({ backend: z.literal("filesystem").optional() }).optional(),
  gateways: gatewaysSchema.prefault({}),
  routes: routesSchema.default([]),
  notify: notifySchema.optional(),
  models: modelsSchema.prefault({}),
  limits: limitsSchema.optional(),
  sandbox: strictObject({
    mode: z.enum(["auto", "bubblewrap", "none", "trust", "docker"]).default("auto"),
    network: z.boolean().default(false),
  }).prefault({}),
  web: strictObject({ search: searchSchema.optional(), allow_private: z.boolean().default(false) }).optional(),
  policy: strictObject({ approval_timeout: durationMs.optional() }).prefault({}),
  logging: strictObject({
    level: z.enum(["trace", "debug", "info", "warn", "error"]).default("info"),
    format: z.enum(["auto", "pretty", "json"]).default("auto"),
    file: text.optional(),
  }).prefault({}),
  observability: strictObject({
    metrics: strictObject({ enabled: z.boolean().default(true), public: z.boolean().default(false) }).prefault({}),
    tracing: strictObject({ otlp_endpoint: httpUrl.optional() }).prefault({}),
  }).prefault({}),
});
export type WrittenConfig = z.infer<typeof configFileSchema>;
