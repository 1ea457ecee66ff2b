import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { ConfigError } from "../../../src/app/config/config-error.ts";
import { loadConfig, type LoadedConfig, type LoadOptions } from "../../../src/app/config/load-config.ts";
import { yamlErrorLine } from "../../../src/schema/yaml-document.ts";

/** Writes files by path below a folder. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
}

/** Loads a configuration from a folder that holds `duragent.yaml` and what else is given. */
export async function loadFrom(
  folder: string,
  files: Readonly<Record<string, string>>,
  options: Partial<LoadOptions> = {},
): Promise<LoadedConfig> {
  await writeFiles(folder, files);
  return loadConfig({ cwd: folder, env: {}, ...options });
}

/** The lines of the error that loading ends with. */
export async function errorsFrom(
  folder: string,
  files: Readonly<Record<string, string>>,
  options: Partial<LoadOptions> = {},
): Promise<string[]> {
  try {
    await loadFrom(folder, files, options);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.errors.map(yamlErrorLine);
    throw error;
  }
}
