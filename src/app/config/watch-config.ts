import { basename, dirname } from "node:path";

import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/telemetry.ts";
import type { Config } from "../../schema/config.ts";
import type { YamlError } from "../../schema/yaml-document.ts";
import { applyReload } from "./apply-reload.ts";
import { ConfigError } from "./config-error.ts";
import { loadConfig, type LoadedConfig, type LoadOptions } from "./load-config.ts";

const quietMs = 200;
/** A file that is saved without pause is read all the same. */
const waitMsMax = 2_000;

export type WatchOptions = {
  /** As for `loadConfig`: the file is read again in the same way. */
  readonly load: LoadOptions;
  readonly loaded: LoadedConfig;
  readonly clock: Clock;
  readonly log: Log;
  /** Called with the new whole whenever a key that applies without a restart has changed. */
  readonly onChange: (config: Config, loaded: LoadedConfig) => void;
};

export type ConfigWatch = {
  /** What is wrong with the file now; the last good configuration is in force. */
  problems(): readonly YamlError[];
  /** Reads the file now, e.g. for `serve reload`. */
  reload(): Promise<void>;
  close(): Promise<void>;
};

/** Follows the configuration file, if there is one. An invalid edit is reported; what was in force stays. */
export async function watchConfig(options: WatchOptions): Promise<ConfigWatch> {
  const { clock, log, loaded } = options;
  let current = loaded.config;
  let problems: readonly YamlError[] = [];
  let running: Promise<void> = Promise.resolve();
  let closed = false;

  const read = async (): Promise<void> => {
    let next: LoadedConfig;
    try {
      next = await loadConfig(options.load);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems = error.errors;
      log.error({ errors: error.errors }, "The configuration is invalid; the last good one stays in force");
      return;
    }
    problems = [];
    if (closed) return;
    const { config, applied, needRestart } = applyReload(current, next.config);
    if (needRestart.length > 0) log.warn({ keys: needRestart }, "These changes of the configuration need a restart");
    if (applied.length === 0) return;
    current = config;
    for (const warning of next.warnings) log.warn({}, warning);
    log.info({ keys: applied }, "The configuration has changed");
    options.onChange(config, next);
  };
  // One reading at a time: a later one must not be overtaken by an earlier.
  const reload = (): Promise<void> => {
    running = running.then(read).catch((error: unknown) => {
      log.error({ error }, "The configuration could not be read");
    });
    return running;
  };

  const path = loaded.path;
  if (path === null) return { problems: () => problems, reload, close: () => running };

  let cancelTimer: (() => void) | null = null;
  let firstChangeAt: number | null = null;
  const changed = (): void => {
    firstChangeAt ??= clock.monotonic();
    cancelTimer?.();
    const waitMs = Math.min(quietMs, Math.max(0, firstChangeAt + waitMsMax - clock.monotonic()));
    cancelTimer = clock.after(waitMs, () => {
      firstChangeAt = null;
      void reload();
    });
  };
  const { watch } = await import("chokidar");
  // The folder, not the file: an editor that saves by renaming leaves a watch on a file that is gone.
  const watcher = watch(dirname(path), {
    ignoreInitial: true,
    depth: 0,
    ignored: (entry) => entry !== dirname(path) && basename(entry) !== basename(path),
  });
  watcher.on("all", changed);
  watcher.on("error", (error) => log.warn({ error }, "The configuration can not be watched"));
  await new Promise<void>((resolve) => watcher.once("ready", resolve));
  // What changed since it was loaded and before anybody watched.
  await reload();
  return {
    problems: () => problems,
    reload,
    async close() {
      closed = true;
      cancelTimer?.();
      await watcher.close();
      await running;
    },
  };
}
