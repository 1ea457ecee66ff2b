import { readFile } from "node:fs/promises";
import { findPackageJSON } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

import { DuragentError } from "../../schema/problem.ts";
import { hasCode } from "../error-code.ts";

/**
 * Imports a package as a file in `folder` would. `where` is the key that asks for it.
 * Throws DuragentError `unprocessable` when it is not installed there or can not be imported.
 */
export async function importFrom(
  folder: string,
  name: string,
  where: string,
): Promise<Readonly<Record<string, unknown>>> {
  if (!/^(?:@[a-z0-9~][\w.~-]*\/)?[a-z0-9~][\w.~-]*$/i.test(name)) {
    throw new DuragentError("unprocessable", `${where}: ${name} is not the name of a package`);
  }
  const manifest = locate(name, folder);
  if (manifest === undefined) {
    throw new DuragentError(
      "unprocessable",
      `${where}: ${name} is not installed: run \`npm install ${name}\` in ${folder}`,
    );
  }
  try {
    const entry = entryOf(JSON.parse(await readFile(manifest, "utf8")));
    const loaded: unknown = await import(pathToFileURL(join(dirname(manifest), entry)).href);
    return asRecord(loaded);
  } catch (error) {
    const words = error instanceof Error ? error.message : String(error);
    throw new DuragentError("unprocessable", `${where}: ${name} can not be imported: ${words}`, { cause: error });
  }
}

function locate(name: string, folder: string): string | undefined {
  try {
    return findPackageJSON(name, pathToFileURL(join(folder, "duragent.yaml")));
  } catch (error) {
    if (hasCode(error, "ERR_MODULE_NOT_FOUND")) return undefined;
    throw error;
  }
}

/** The main module by the manifest, as an import finds it (https://nodejs.org/api/packages.html#package-entry-points). */
function entryOf(manifest: unknown): string {
  const { exports, main } = asRecord(manifest);
  const root = typeof exports === "object" && exports !== null && "." in exports ? exports["."] : exports;
  return target(root) ?? (typeof main === "string" ? main : "index.js");
}

function target(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map(target).find((found) => found !== undefined);
  for (const [condition, inner] of Object.entries(asRecord(value))) {
    if (!["node", "import", "module-sync", "default"].includes(condition)) continue;
    const found = target(inner);
    if (found !== undefined) return found;
  }
  return undefined;
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
