import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";

import { createSystemClock } from "../adapters/clock/system.ts";
import { nodeFileSystem } from "../adapters/file-system/node.ts";
import type { OwnedLog } from "../adapters/logging/pino.ts";
import { meteredFileSystem } from "../adapters/metrics/metered-file-system.ts";
import { createModelRegistry, type ConfigurableModelRegistry } from "../adapters/models/registry.ts";
import { createWebhookNotifier } from "../adapters/notify/webhook.ts";
import { createMemoryCounters } from "../adapters/rates/memory-counters.ts";
import {
  openAgentStore,
  openArtifactStore,
  openChatIndex,
  openMemoryStore,
  openSessionStore as openStore,
} from "../adapters/stores/registry.ts";
import { readWorkingNotes } from "../adapters/tools/working-notes.ts";
import type { ArtifactStore } from "../ports/artifact-store.ts";
import type { ChatIndex } from "../ports/chat-index.ts";
import type { Clock } from "../ports/clock.ts";
import type { FileSystem } from "../ports/file-system.ts";
import type { GatewayHost } from "../ports/gateway-host.ts";
import type { MemoryStore } from "../ports/memory-store.ts";
import type { SessionStore } from "../ports/session-store.ts";
import type { Sandbox } from "../ports/sandbox.ts";
import type { Log, Metrics } from "../ports/telemetry.ts";
import { createCatalog, type LivingCatalog } from "../runtime/agents/catalog.ts";
import { siblingSessions } from "../runtime/agent-sessions.ts";
import { createSessions, type RunningSessions } from "../runtime/sessions.ts";
import { providerKinds } from "../schema/config-models.ts";
import type { Config } from "../schema/config.ts";
import { openTools, type AgentTools } from "./build-tools.ts";
import { notifyChannels } from "./notify-channels.ts";
import { openGatewayHost } from "./open-gateways.ts";
import { openConfiguredSandbox } from "./open-sandbox.ts";
import type { Redaction } from "./redaction.ts";
import type { LoadedConfig } from "./config/load-config.ts";
import { readStoredKeys } from "./stored-keys.ts";

/** The agents as configuration places them. */
export async function openCatalog(
  config: Config,
  options: { log: Log; clock: Clock; files?: FileSystem; inForce?: { config: Config } },
): Promise<LivingCatalog> {
  const providers = (): Providers => (options.inForce ?? { config }).config.models.providers;
  const store = await openAgentStore(
    {
      staticPath: config.agents.staticPath,
      dynamicPath: config.agents.dynamicPath,
      directivesPath: join(config.dataDir, "directives"),
      skillsPath: config.agents.sharedSkillsPath,
      versionsPath: join(config.dataDir, "agent-versions"),
    },
    { clock: options.clock, fileSystem: options.files ?? nodeFileSystem },
  );
  return createCatalog({
    store,
    clock: options.clock,
    log: options.log,
    lazyLoad: config.agents.lazyLoad,
    cacheSize: config.agents.cacheSize,
    providers: () => [...providerKinds, ...Object.keys(providers())],
    sendsKey: (provider) => sendsKey(provider, providers()),
  });
}

type Providers = Config["models"]["providers"];

/** Whether a call of this provider carries something that only the server knows. Of one that is not known yet, it may. */
function sendsKey(provider: string, providers: Providers): boolean {
  const { kind = provider, api_key: key, headers } = (Object.hasOwn(providers, provider) && providers[provider]) || {};
  const needsNone = kind === "ollama" || kind === "scripted";
  return !needsNone || key !== undefined || headers !== undefined;
}

export async function openModels(
  { config, env, folder }: Pick<LoadedConfig, "config" | "env" | "folder">,
  clock: Clock,
): Promise<ConfigurableModelRegistry> {
  return createModelRegistry({
    providers: config.models.providers,
    env,
    clock,
    storedKeys: await readStoredKeys(env),
    packageFolder: folder,
  });
}

/** The sessions' store; the caller holds the lock of the data directory. */
export function openSessionStore(
  config: Config,
  clock: Clock,
  files: FileSystem = nodeFileSystem,
): Promise<SessionStore> {
  return openStore("filesystem", {
    sessionsFolder: config.services.session.path,
    dataFolder: config.dataDir,
    fs: files,
    clock,
    durability: config.services.session.durability,
  });
}

/** What is replaced when configuration changes while the server runs. */
export type InForce = { config: Config; redaction: Redaction };

export type Runtime = {
  readonly clock: Clock;
  readonly store: SessionStore;
  readonly chatIndex: ChatIndex;
  readonly artifacts: ArtifactStore;
  readonly catalog: LivingCatalog;
  readonly models: ConfigurableModelRegistry;
  readonly sessions: RunningSessions;
  /** The programs that join chat platforms; `start` of the server starts them. */
  readonly gateways: GatewayHost;
  readonly memory: MemoryStore;
  /** What holds commands back; probed since the start. */
  readonly sandbox: Promise<Sandbox>;
  readonly tools: AgentTools;
  readonly workerId: string;
  /** SHA-256 of a text, 64 hex digits. */
  digest(text: string): string;
};

/** Everything below the surfaces, ready to be started. */
export async function buildRuntime(
  loaded: LoadedConfig,
  inForce: InForce,
  telemetry: { log: OwnedLog; metrics: Metrics },
  options: { joinsChats: boolean },
): Promise<Runtime> {
  const { log, metrics } = telemetry;
  const clock = createSystemClock();
  const { config } = loaded;
  const sandbox = openConfiguredSandbox(loaded);
  // Whoever wants it is told; a server that must have it does not start without.
  sandbox.catch(() => undefined);
  const files = meteredFileSystem(nodeFileSystem, metrics);
  const [store, chatIndex, artifacts, catalog, models] = await Promise.all([
    openSessionStore(config, clock, files),
    openChatIndex("filesystem", { folder: join(config.dataDir, "gateways"), fs: files, clock }),
    openArtifactStore("filesystem", {
      folder: config.services.artifacts.path,
      fs: files,
      clock,
      redactBytes: () => inForce.redaction.redactor.byteStream(),
    }),
    openCatalog(config, { log, clock, files, inForce }),
    openModels(loaded, clock),
  ]);
  const gateways = await openGatewayHost(loaded, { clock, log, metrics, off: !options.joinsChats });
  const workerId = `${config.server.workerId ?? hostname()}/${clock.ulid()}`;
  const memory = await openMemoryStore("filesystem", {
    folder: config.services.memory.path,
    fs: files,
    agentHome: async (agent) => (await catalog.get(agent))?.home,
    redact: (text) => inForce.redaction.redactor.text(text),
  });
  if (config.sandbox.mode === "bubblewrap") await sandbox;
  const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
  const tools = openTools({
    inForce,
    env: loaded.env,
    sandbox,
    files,
    clock,
    log,
    artifacts,
    memory,
    sessions: {
      ...siblingSessions(
        {
          get: (id) => sessions.get(id),
          list: (query) => sessions.list(query),
          send: (id, message) => sessions.send(id, message),
        },
        { clock, digest },
      ),
      processEnded: (id, process) => sessions.processEnded(id, process),
      processSays: (id, note) => sessions.processSays(id, note),
    },
  });
  const sessions: RunningSessions = createSessions({
    store,
    artifacts,
    catalog,
    models,
    toolsOf: tools.toolsOf,
    sessionEnded: tools.sessionEnded,
    notifier: createWebhookNotifier(() => inForce.config.notify?.channels ?? {}),
    gateways,
    chatIndex,
    rateCounters: createMemoryCounters(),
    clock,
    log,
    metrics,
    digest,
    redact: (value) => inForce.redaction.redactor.value(value),
    redactText: () => inForce.redaction.redactor.stream(),
    settings: () => ({
      session: inForce.config.session,
      limits: inForce.config.limits ?? {},
      providerLimits: (provider) => inForce.config.models.providers[provider]?.limits,
      providerKind: (provider) => inForce.config.models.providers[provider]?.kind ?? provider,
      approvalTimeoutMs: inForce.config.policy.approvalTimeoutMs,
      notify: notifyChannels(inForce.config),
    }),
    workerId,
    notesOf: (id) => readWorkingNotes(config.services.session.path, id),
  });
  metrics.gauge("duragent_agents", () => catalog.list().length, { state: "valid" });
  metrics.gauge("duragent_agents", () => catalog.invalid().length, { state: "invalid" });
  return {
    clock,
    store,
    chatIndex,
    artifacts,
    catalog,
    models,
    sessions,
    gateways,
    memory,
    sandbox,
    tools,
    workerId,
    digest,
  };
}
