import { openLog, type LogSettings, type OwnedLog } from "../adapters/logging/pino.ts";
import { noMetrics } from "../adapters/metrics/none.ts";
import type { PrometheusMetrics } from "../adapters/metrics/prometheus.ts";
import { programVersion } from "../surfaces/cli/version.ts";
import type { Config } from "../schema/config.ts";
import { buildRuntime, type InForce, type Runtime } from "./build-runtime.ts";
import type { LoadedConfig, LoadOptions } from "./config/load-config.ts";
import { watchConfig, type ConfigWatch } from "./config/watch-config.ts";
import type { HealthParts, Phase } from "./health.ts";
import { joinChats } from "./join-chats.ts";
import { lateMetrics } from "./late-metrics.ts";
import { checkListening } from "./listening.ts";
import { openDataDirectory } from "./open-data-directory.ts";
import { openSurface, type OpenSurface } from "./open-surface.ts";
import { Redaction, secretsOf } from "./redaction.ts";
import { hashOfPath } from "./socket-path.ts";
import { whenIdle } from "./when-idle.ts";

/** How often a draining server looks whether its last answers are out. */
const drainLookMs = 10;

export type StartOptions = {
  loaded: LoadedConfig;
  /** How `loaded` was read, to read it again when its file changes. */
  load: LoadOptions;
  /** No TCP, whatever the configuration says. */
  socketOnly?: boolean;
  ephemeralSeconds?: number | undefined;
  /** Over what the configuration says. */
  logLevel?: LogSettings["level"] | undefined;
};

export type RunningServer = {
  readonly log: OwnedLog;
  readonly url: string | undefined;
  readonly socket: string | undefined;
  readonly dataDir: string;
  readonly runtime: Runtime;
  /** Drains, then stops; resolves when everything is on disk and let go of. Called again, it waits for the same end. */
  stop(reason: string): Promise<void>;
  /** Resolves when it has stopped, for whatever reason. */
  readonly stopped: Promise<void>;
  /** Reads configuration and agents again; the number of valid agents. */
  reload(): Promise<number>;
};

const logSettingsOf = (config: Config, level: LogSettings["level"] | undefined, redaction: Redaction): LogSettings => ({
  level: level ?? config.logging.level,
  format: config.logging.format,
  file: config.logging.file,
  redactor: { text: (text) => redaction.redactor.text(text) },
});

/**
 * Configuration → objects → a server that answers. Throws CommandFailure: 75 when another process holds the directory,
 * 78 when it would listen nowhere or unprotected, 69 when its port is taken; DuragentError when the disk fails.
 * What was taken until then is given back.
 */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { loaded } = options;
  const { config } = loaded;
  const listening = checkListening(config, options.socketOnly === true);
  await using held = new AsyncDisposableStack();

  const directory = held.use(await openDataDirectory(config, { tighten: true }));
  const inForce: InForce = { config, redaction: new Redaction(await secretsOf(loaded)) };
  const log = held.adopt(await openLog(logSettingsOf(config, options.logLevel, inForce.redaction)), (open) =>
    open.close(),
  );
  for (const { path, from, to } of directory.tightened)
    log.warn({ path, from, to }, "a mode let others in and was tightened");
  for (const warning of loaded.warnings) log.warn({}, warning);

  const metrics = { loaded: null as Promise<PrometheusMetrics> | null };
  const loadMetrics = (): Promise<PrometheusMetrics> =>
    (metrics.loaded ??= import("../adapters/metrics/prometheus.ts").then(async ({ openMetrics }) => {
      const opened = await openMetrics({ version: programVersion() });
      late?.use(opened);
      return opened;
    }));
  const late = config.observability.metrics.enabled ? lateMetrics(() => void loadMetrics()) : null;
  const telemetry = { log, metrics: late?.metrics ?? noMetrics };
  // A server that a command started for itself comes and goes: people in chats must not be answered now and then.
  const runtime = await buildRuntime(loaded, inForce, telemetry, { joinsChats: options.socketOnly !== true });
  held.defer(() => runtime.store.shutdown());
  held.defer(() => runtime.chatIndex.close());
  held.defer(() => runtime.catalog.close());
  held.defer(() => runtime.tools.close());
  held.defer(() => runtime.gateways.stop());

  let phase: Phase = "starting";
  let watch: ConfigWatch | null = null;
  const watched = Promise.withResolvers<ConfigWatch>();
  let stopping: Promise<void> | null = null;
  const stopped = Promise.withResolvers<void>();
  let leaveChats = (): Promise<void> => Promise.resolve();

  const reload = async (): Promise<number> => {
    await (await watched.promise).reload();
    return runtime.catalog.reload();
  };
  const health: HealthParts = {
    runtime,
    phase: () => phase,
    dataDir: directory.path,
    workspaceHash: hashOfPath(directory.path),
    configProblems: () => watch?.problems() ?? [],
  };
  const surface: OpenSurface = held.adopt(
    await openSurface({
      config,
      env: loaded.env,
      listening,
      dataDir: directory.path,
      runtime,
      log,
      metrics: telemetry.metrics,
      renderMetrics: async () => {
        const opened = await loadMetrics();
        return { contentType: opened.contentType, body: await opened.render() };
      },
      health,
      doctor: async () => {
        const { diagnose } = await import("./doctor/diagnose.ts");
        return diagnose({ load: options.load, online: false, fix: false, server: { runtime } });
      },
      reload,
      shutdown: () => {
        if (stopping !== null) return "already";
        void stop("asked for over the API");
        return "started";
      },
    }),
    (open) => open.close("stopped", 0),
  );
  await directory.lock.announce({
    pid: process.pid,
    started_at: new Date(runtime.clock.now()).toISOString(),
    url: surface.url,
    socket: surface.socket,
    version: programVersion(),
  });

  // From here on nothing fails: what was opened belongs to `stop`.
  const owned = held.move();
  async function stop(reason: string): Promise<void> {
    stopping ??= (async () => {
      log.info({ reason }, "stopping");
      phase = "draining";
      const { shutdownGraceMs } = inForce.config.server;
      const deadline = runtime.clock.monotonic() + shutdownGraceMs;
      const closed = surface.close(reason, shutdownGraceMs);
      await leaveChats();
      await runtime.sessions.stop(shutdownGraceMs);
      await runtime.gateways.stop();
      // Connections without a request that their clients keep open are no reason to wait.
      while (surface.openRequests() > 0 && runtime.clock.monotonic() < deadline) await runtime.clock.sleep(drainLookMs);
      await surface.close(reason, 0);
      await closed;
      log.info({}, "stopped");
      await owned.disposeAsync();
    })().then(stopped.resolve, (error: unknown) => {
      stopped.reject(error);
      throw error;
    });
    return stopping;
  }
  const apply = async (next: Config, nextLoaded: LoadedConfig): Promise<void> => {
    try {
      const secrets = await secretsOf(nextLoaded);
      await log.configure(logSettingsOf(next, options.logLevel, inForce.redaction));
      inForce.redaction.configure(secrets);
      inForce.config = next;
      runtime.models.configure(next.models.providers);
    } catch (error) {
      log.error({ err: error }, "the changed configuration could not be put in force; the last good one stays");
      return;
    }
    try {
      // Which providers there are, and which of them send a key, decides what a deployed agent may say.
      await runtime.catalog.reload();
    } catch (error) {
      log.error({ err: error }, "the agents could not be read again; those that were loaded stay");
    }
  };
  const startTools = async (): Promise<void> => {
    try {
      await runtime.tools.start();
    } catch (error) {
      log.error({ err: error }, "the background processes of an earlier start can not be looked after");
    }
  };
  const startGateways = async (): Promise<void> => {
    if (runtime.gateways.list().length === 0 || stopping !== null) return;
    try {
      leaveChats = await joinChats(runtime, inForce, telemetry);
    } catch (error) {
      log.error({ err: error }, "the gateways could not be started; the rest works");
    }
  };
  const follow = async (): Promise<void> => {
    await Promise.all([runtime.sessions.start(), startTools()]);
    await startGateways();
    if (config.agents.watch) runtime.catalog.follow();
    // `--no-watch` follows nothing by itself; what is asked for (SIGHUP, `serve reload`) is read all the same.
    const followed = options.load.overrides?.watch === false ? { ...loaded, path: null } : loaded;
    const watching = await watchConfig({
      load: options.load,
      loaded: followed,
      clock: runtime.clock,
      log,
      onChange: (next, nextLoaded) => void apply(next, nextLoaded),
    });
    watch = watching;
    watched.resolve(watching);
    if (stopping === null) owned.defer(() => watching.close());
    else await watching.close();
    if (options.ephemeralSeconds !== undefined) {
      const cancel = whenIdle({
        clock: runtime.clock,
        idleMs: options.ephemeralSeconds * 1000,
        isBusy: () =>
          surface.openRequests() > 0 ||
          !runtime.sessions.isQuiet() ||
          runtime.tools.hasProcesses() ||
          runtime.gateways.list().some(({ pid }) => pid !== undefined),
        onIdle: () => void stop("nobody is here and nothing is to be done"),
      });
      if (stopping === null) owned.defer(cancel);
    }
  };
  phase = "ok";
  void follow();
  return {
    log,
    url: surface.url,
    socket: surface.socket,
    dataDir: directory.path,
    runtime,
    stop,
    stopped: stopped.promise,
    reload,
  };
}
