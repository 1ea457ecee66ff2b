import { dirname, join } from "node:path";

import { openSandbox } from "../adapters/sandboxes/registry.ts";
import type { Sandbox } from "../ports/sandbox.ts";
import { DuragentError } from "../schema/problem.ts";
import { CommandFailure, exitCodes } from "../surfaces/cli/exit.ts";
import type { LoadedConfig } from "./config/load-config.ts";

/** The sandbox that configuration asks for, probed. Throws CommandFailure 78 where bubblewrap is demanded and does not work. */
export async function openConfiguredSandbox({ config, env, folder, path }: LoadedConfig): Promise<Sandbox> {
  const { services, agents, logging } = config;
  const stores = Object.values(services).map((service) => service.path);
  try {
    return await openSandbox({
      ...config.sandbox,
      env: { ...env },
      hidden: {
        folders: [config.dataDir, ...stores, agents.staticPath, agents.dynamicPath],
        files: [
          join(folder, ".env"),
          ...(path === null ? [] : [path]),
          ...(logging.file === undefined ? [] : [logging.file]),
        ],
        holders: [folder, ...(path === null ? [] : [dirname(path)])],
      },
    });
  } catch (error) {
    if (!(error instanceof DuragentError)) throw error;
    throw new CommandFailure(exitCodes.configuration, error.message, {
      cause: error,
      hint: "`duragent doctor` says what is in force",
    });
  }
}
