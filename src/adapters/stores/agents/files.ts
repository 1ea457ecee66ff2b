import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

import type { AgentFiles, AgentPackageRead, AgentPlace, AgentStore } from "../../../ports/agent-store.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { FileSystem } from "../../../ports/file-system.ts";
import { yamlBytesMax } from "../../../schema/yaml-document.ts";
import { readPackage, stampOf } from "./read-package.ts";
import { createVersionFolder } from "./versions.ts";
import { watchFolders } from "./watch-folders.ts";

export type AgentFolders = {
  /** Where agents lie that somebody wrote there: folders with agent.yaml, and NAME.yaml. */
  readonly staticPath: string;
  /** Agents deployed while the server ran; they stand before static ones of the same name. */
  readonly dynamicPath: string;
  /** One rule a file, for every agent. */
  readonly directivesPath: string;
  readonly versionsPath: string;
};

const directiveBytesMax = 64 * 1024;

/** Agents as files. Folders that are missing are empty. */
export function createFileAgentStore(
  folders: AgentFolders,
  ports: { clock: Clock; fileSystem: FileSystem },
): AgentStore {
  const versions = createVersionFolder(folders.versionsPath, ports.fileSystem);
  const rootOf = { static: folders.staticPath, dynamic: folders.dynamicPath };

  const placesIn = async (root: "static" | "dynamic"): Promise<AgentPlace[]> => {
    const places = new Map<string, AgentPlace>();
    for (const entry of (await listed(rootOf[root])).toSorted()) {
      if (entry.startsWith(".")) continue;
      const name = await agentAt(rootOf[root], entry);
      if (name !== null) places.set(entry, { key: `${root}/${entry}`, name, dynamic: root === "dynamic" });
    }
    return [...places.values()];
  };

  return {
    list: async () => [...(await placesIn("dynamic")), ...(await placesIn("static"))],

    async read(key) {
      const [root = "", entry = ""] = key.split("/");
      if ((root !== "static" && root !== "dynamic") || entry === "") return { kind: "gone" };
      const path = join(rootOf[root], entry);
      try {
        return (await stat(path)).isDirectory() ? await readPackage(path) : await readSingle(path);
      } catch (error) {
        if (!(error instanceof Error && "code" in error)) throw error;
        // While it is read, a file that was just listed may be renamed away: somebody is saving.
        if (error.code === "ENOENT")
          return (await agentAt(rootOf[root], entry)) === null ? { kind: "gone" } : { kind: "changing" };
        return { kind: "unreadable", message: `can not be read: ${String(error.code)}` };
      }
    },

    async shared() {
      const files = new Map<string, Uint8Array>();
      for (const name of (await listed(folders.directivesPath)).toSorted()) {
        const path = join(folders.directivesPath, name);
        if (!name.endsWith(".md") || !(await isSmallFile(path))) continue;
        files.set(`.shared/directives/${name}`, await readFile(path));
      }
      return files;
    },

    watch: (listener) => watchFolders(folders, ports.clock, listener),
    putVersion: (digest, version: { files: AgentFiles; home: string }) => versions.put(digest, version),
    getVersion: (digest) => versions.get(digest),
  };
}

/** The agent's name if an entry of an agents' folder is one: a folder with agent.yaml, or a YAML file. */
async function agentAt(root: string, entry: string): Promise<string | null> {
  const path = join(root, entry);
  const facts = await statOrNull(path);
  if (facts?.isDirectory()) return (await statOrNull(join(path, "agent.yaml"))) === null ? null : entry;
  const name = /^(.+)\.ya?ml$/.exec(entry)?.[1];
  return facts?.isFile() && name !== undefined ? name : null;
}

async function readSingle(path: string): Promise<AgentPackageRead> {
  const file = await realpath(path);
  const before = await stampOf(file);
  const facts = await stat(file);
  if (facts.size > yamlBytesMax) {
    return { kind: "unreadable", message: `${facts.size} bytes; at most ${yamlBytesMax} are read` };
  }
  const bytes = await readFile(file);
  if ((await stampOf(file)) !== before) return { kind: "changing" };
  return { kind: "package", files: new Map([["agent.yaml", bytes]]), home: "", refused: [], notes: [] };
}

async function isSmallFile(path: string): Promise<boolean> {
  const facts = await statOrNull(path);
  return facts !== null && facts.isFile() && facts.size <= directiveBytesMax;
}

async function listed(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}

async function statOrNull(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && ["ENOENT", "ENOTDIR", "ELOOP"].includes(String(error.code)))
      return null;
    throw error;
  }
}
