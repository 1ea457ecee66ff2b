import { resolve } from "node:path";

import { CommandFailure, exitCodes } from "../surfaces/cli/exit.ts";
import type { Place, ServeFlags, Whereabouts } from "../surfaces/cli/ground.ts";
import { Secret } from "../schema/secret.ts";
import { yamlErrorLine } from "../schema/yaml-document.ts";
import { ConfigError } from "./config/config-error.ts";
import { loadConfig, type LoadedConfig, type LoadOptions } from "./config/load-config.ts";

/** A configuration that can not be used, as the command line says it: every place on a line of its own, exit code 78. */
export function configurationFailure(error: ConfigError): CommandFailure {
  const [first = "the configuration can not be used", ...more] = error.errors.map(yamlErrorLine);
  return new CommandFailure(exitCodes.configuration, [first, ...more.map((line) => `       ${line}`)].join("\n"), {
    hint: "`duragent doctor` checks everything at once; docs/configuration.md has the keys",
    cause: error,
  });
}

/** As `loadConfig`; throws CommandFailure `configuration`. */
export async function loadOrFail(options: LoadOptions): Promise<LoadedConfig> {
  try {
    return await loadConfig(options);
  } catch (error) {
    throw error instanceof ConfigError ? configurationFailure(error) : error;
  }
}

export const loadOptionsOf = ({ cwd, env, config }: Whereabouts): LoadOptions => ({ cwd, env, configPath: config });

/** Flags of `serve` over the file; their paths start at the working directory. */
export function serveLoadOptions(flags: ServeFlags): LoadOptions {
  return {
    ...loadOptionsOf(flags),
    overrides: {
      host: flags.host,
      port: flags.port,
      agentsPath: flags.agentsDir === undefined ? undefined : resolve(flags.cwd, flags.agentsDir),
      adminToken: flags.adminToken === undefined ? undefined : new Secret(flags.adminToken),
      watch: flags.watch ? undefined : false,
    },
  };
}

export function placeOf({ config, path }: LoadedConfig): Place {
  return {
    configFile: path,
    dataDir: config.dataDir,
    agentsDir: config.agents.staticPath,
    apiToken: config.server.apiToken?.reveal(),
    adminToken: config.admin.token?.reveal(),
  };
}
