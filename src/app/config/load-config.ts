import { readFile, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";

import { configFileSchema } from "../../schema/config-file.ts";
import type { Config } from "../../schema/config.ts";
import { offsetOf, parseYaml, pathText } from "../../schema/parse-yaml.ts";
import { secretsIn } from "../../schema/secret.ts";
import { readYaml, yamlErrorLine, type YamlDocument, type YamlError } from "../../schema/yaml-document.ts";
import { contradictions } from "./compatible-keys.ts";
import { ConfigError } from "./config-error.ts";
import { configNotes, configRefusals, type ConfigNote } from "./config-notes.ts";
import { environmentSecrets, withEnvironmentFile, type Environment } from "./environment-file.ts";
import { readFileKeys } from "./file-keys.ts";
import { resolveConfig, type ConfigOverrides } from "./resolve-config.ts";

export type LoadOptions = {
  /** `--config`; else `$DURAGENT_CONFIG`, else `./duragent.yaml` if it is there. */
  readonly configPath?: string | undefined;
  readonly cwd: string;
  readonly env: Environment;
  readonly overrides?: ConfigOverrides | undefined;
};

export type LoadedConfig = {
  readonly config: Config;
  /** One line for each key that will not do what its writer expects. */
  readonly warnings: readonly string[];
  /** The file that was read; `null`: there is none, and every default holds. */
  readonly path: string | null;
  /** The folder that relative paths start from. */
  readonly folder: string;
  /** The environment with what `.env` adds. */
  readonly env: Environment;
  /** Texts that must not show in logs or events, longest first. */
  readonly secrets: readonly string[];
};

/** Reads, checks and resolves the configuration. Throws ConfigError with every place that is wrong. */
export async function loadConfig(options: LoadOptions): Promise<LoadedConfig> {
  const { path, bytes } = await findFile(options);
  const folder = path === null ? options.cwd : dirname(path);
  const env = await withEnvironmentFile(folder, options.env);
  const document = parseText(bytes, { file: path === null ? "duragent.yaml" : shownPath(options.cwd, path), env });
  const fileErrors = await readFileKeys(document, folder);
  const parsed = parseYaml(document, configFileSchema);
  if (!parsed.ok || fileErrors.length > 0) throw new ConfigError([...fileErrors, ...(parsed.ok ? [] : parsed.errors)]);

  const written = parsed.value;
  const wrong = [...contradictions(written), ...configRefusals(written)];
  if (wrong.length > 0) throw new ConfigError(wrong.map((note) => placed(document, note)));

  const config = resolveConfig(written, folder, options.overrides ?? {});
  const staticKey = written.agents.static.path !== undefined ? ["agents", "static", "path"] : ["agents_dir"];
  const isConfigured = written.agents.static.path !== undefined || written.agents_dir !== undefined;
  if ((isConfigured || options.overrides?.agentsPath !== undefined) && !(await isFolder(config.agents.staticPath))) {
    const message = `there is no folder ${config.agents.staticPath}; create it, or name another`;
    if (options.overrides?.agentsPath !== undefined) throw new ConfigError([{ file: "--agents-dir", message }]);
    throw new ConfigError([placed(document, { path: staticKey, message })]);
  }
  return {
    config,
    warnings: configNotes(written)
      .map((note) => placed(document, note))
      .toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
      .map(yamlErrorLine),
    path,
    folder,
    env,
    secrets: [...new Set([...secretsIn(config), ...environmentSecrets(env)])].toSorted((a, b) => b.length - a.length),
  };
}

async function findFile(options: LoadOptions): Promise<{ path: string | null; bytes: Uint8Array }> {
  const named = options.configPath ?? (options.env["DURAGENT_CONFIG"] || undefined);
  const path = resolve(options.cwd, named ?? "duragent.yaml");
  try {
    // A device or a pipe has no folder that paths could start from.
    if (!(await stat(path)).isFile())
      throw new ConfigError([{ file: shownPath(options.cwd, path), message: "is no file" }]);
    return { path, bytes: await readFile(path) };
  } catch (error) {
    if (!(error instanceof Error && "code" in error)) throw error;
    if (error.code === "ENOENT" && named === undefined) return { path: null, bytes: new Uint8Array() };
    const source = options.configPath === undefined ? "DURAGENT_CONFIG" : "--config";
    const reason = error.code === "ENOENT" ? "there is no such file" : `can not be read: ${String(error.code)}`;
    const message = named === undefined ? reason : `${reason} (named by ${source})`;
    throw new ConfigError([{ file: shownPath(options.cwd, path), message }], error);
  }
}

function parseText(bytes: Uint8Array, from: { file: string; env: Environment }): YamlDocument {
  const read = readYaml(bytes, { file: from.file, variable: (name) => from.env[name] });
  if (!read.ok) throw new ConfigError(read.errors);
  return read.document;
}

const placed = (document: YamlDocument, { path, message }: ConfigNote): YamlError =>
  document.at(offsetOf(document.root, path, true), message, pathText(path));

/** As a person would write it. */
function shownPath(cwd: string, path: string): string {
  const short = relative(cwd, path);
  return short.startsWith("..") ? path : join(".", short);
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    if (error instanceof Error && "code" in error) return false;
    throw error;
  }
}
