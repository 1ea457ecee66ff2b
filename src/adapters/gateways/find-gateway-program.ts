import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { delimiter, dirname, isAbsolute, join, resolve } from "node:path";

import { z } from "zod";

import { findProgram, isExecutable } from "../find-program.ts";
import { bundledGateways } from "./registry.ts";

type Looked = {
  command: string;
  /** Of duragent.yaml, absolute: what a command with a slash is relative to. */
  configFolder: string;
  /** PATH of the gateway's own environment. */
  path: string | undefined;
};

/** `fault`: what was looked for, where, and what to do. */
export type FoundGateway =
  | { readonly kind: "found"; readonly argv: readonly [string, ...string[]] }
  | { readonly kind: "missing"; readonly fault: string };

const manifestSchema = z.object({ bin: z.record(z.string(), z.string()) });

/** A bare name: the gateways that come with the program, then PATH. With a slash: a file, relative to the configuration's folder. */
export async function findGatewayProgram({ command, configFolder, path }: Looked): Promise<FoundGateway> {
  if (command.includes("/")) {
    const file = isAbsolute(command) ? command : resolve(configFolder, command);
    if (await isExecutable(file)) return { kind: "found", argv: [file] };
    const fault = `${file} is not there or may not be run: correct "command" in duragent.yaml, or make it executable (chmod +x)`;
    return { kind: "missing", fault };
  }
  const bundled = Object.hasOwn(bundledGateways, command) ? bundledGateways[command] : undefined;
  const script = bundled && (await bundledScript(bundled.package, command, configFolder));
  // Run by this Node: the one of the script's first line may be missing, or too old.
  if (script !== undefined) return { kind: "found", argv: [process.execPath, script] };
  const found = await findProgram(command, path);
  if (found !== undefined) return { kind: "found", argv: [found] };
  const onPath = `on PATH (${shownPath(path)})`;
  const fault = bundled
    ? `run "npm install ${bundled.package}": there is no ${command} beside this program, in ${configFolder} or ${onPath}`
    : `install ${command}, or give its path in "command" in duragent.yaml: it is not ${onPath}`;
  return { kind: "missing", fault };
}

const shownFoldersMax = 6;

/** npm and npx put a folder of every folder above in front, which tell nobody anything. */
function shownPath(path = ""): string {
  const folders = path.split(delimiter).filter((folder) => folder !== "" && !folder.includes("/node_modules/"));
  const more = folders.length > shownFoldersMax ? [`${folders.length - shownFoldersMax} more`] : [];
  return [...folders.slice(0, shownFoldersMax), ...more].join(", ") || "empty";
}

async function bundledScript(name: string, command: string, configFolder: string): Promise<string | undefined> {
  for (const from of [import.meta.url, join(configFolder, "duragent.yaml")]) {
    const manifest = manifestPath(name, from);
    if (manifest === undefined) continue;
    const { success, data } = manifestSchema.safeParse(JSON.parse(await readFile(manifest, "utf8")));
    const bin = success ? data.bin[command] : undefined;
    if (bin !== undefined) return join(dirname(manifest), bin);
  }
  return undefined;
}

function manifestPath(name: string, from: string): string | undefined {
  try {
    return createRequire(from).resolve(`${name}/package.json`);
  } catch {
    // Not installed there.
    return undefined;
  }
}
