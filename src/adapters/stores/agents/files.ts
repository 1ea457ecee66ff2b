import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";

import { isAgentFile } from "../../../domain/agent-package.ts";
import type { AgentFiles, AgentPackageRead, AgentPlace, AgentStore } from "../../../ports/agent-store.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { FileSystem } from "../../../ports/file-system.ts";
import { yamlBytesMax } from "../../../schema/yaml-document.ts";
import { errorCode, hasCode } from "../../error-code.ts";
import { DeployedFolder } from "./deployed.ts";
import { readPackage, stampOf } from "./read-package.ts";
import { readSharedSkills } from "./shared-skills.ts";
import { readWhole } from "./read-whole.ts";
import { createVersionFolder } from "./versions.ts";
import { watchFolders } from "./watch-folders.ts";

export type AgentFolders = {
  /** Where agents lie that somebody wrote there: folders with agent.yaml, and NAME.yaml. */
  readonly staticPath: string;
  /** Agents deployed while the server ran; they stand before static ones of the same name. */
  readonly dynamicPath: string;
  /** One rule a file, for every agent. */
  readonly directivesPath: string;
  /** Agent Skills for every agent: NAME/SKILL.md. */
  readonly skillsPath?: string;
  readonly versionsPath: string;
};

const directiveBytesMax = 64 * 1024;

/** Agents as files. Folders that are missing are empty. */
export function createFileAgentStore(
  folders: AgentFolders,
  ports: { clock: Clock; fileSystem: FileSystem },
): AgentStore {
  const versions = createVersionFolder(folders.versionsPath, ports.fileSystem);
  const deployed = new DeployedFolder(folders.dynamicPath, ports.fileSystem);

  /** Where the entry that a key names lies now; `null` for what is no key. */
  const pathOf = async (key: string): Promise<{ path: string; entry: string; dynamic: boolean } | null> => {
    const [root = "", entry = ""] = key.split("/");
    if (entry === "") return null;
    if (root === "dynamic") return { path: await deployed.pathOf(entry), entry, dynamic: true };
    return root === "static" ? { path: join(folders.staticPath, entry), entry, dynamic: false } : null;
  };
  const placesIn = async (root: "static" | "dynamic"): Promise<AgentPlace[]> => {
    const places: AgentPlace[] = [];
    const dynamic = root === "dynamic";
    const entries = dynamic ? await deployed.entries() : (await listed(folders.staticPath)).toSorted();
    for (const entry of entries) {
      if (entry.startsWith(".")) continue;
      const key = `${root}/${entry}`;
      const name = await agentAt((await pathOf(key))?.path ?? "", entry);
      if (name !== null) places.push({ key, name, dynamic });
    }
    return places;
  };

  return {
    list: async () => [...(await placesIn("dynamic")), ...(await placesIn("static"))],

    async read(key) {
      const place = await pathOf(key);
      if (place === null) return { kind: "gone" };
      try {
        if (!(await stat(place.path)).isDirectory()) return await readSingle(place.path);
        const read = await readPackage(place.path);
        const isDocument = place.dynamic && read.kind === "package" && (await isSingleDocument(place.path));
        // One document that was deployed has no folder of its own: its prompts are text.
        return isDocument ? { ...read, home: "" } : read;
      } catch (error) {
        const code = errorCode(error);
        if (code === undefined) throw error;
        // While it is read, a file that was just listed may be renamed away: somebody is saving.
        if (code === "ENOENT") {
          const now = await pathOf(key);
          return now === null || (await agentAt(now.path, now.entry)) === null
            ? { kind: "gone" }
            : { kind: "changing" };
        }
        return { kind: "unreadable", message: `can not be read: ${code}` };
      }
    },

    async readWhole(key) {
      const place = await pathOf(key);
      if (place === null || (await agentAt(place.path, place.entry)) === null) return undefined;
      return readWhole(place.path);
    },

    revision: (name) => deployed.revision(name),
    put: (name, agent, ifMatch) => deployed.put(name, agent, ifMatch),
    delete: (name) => deployed.delete(name),

    async shared() {
      const files = new Map<string, Uint8Array>();
      for (const name of (await listed(folders.directivesPath)).toSorted()) {
        const path = join(folders.directivesPath, name);
        if (!name.endsWith(".md") || !(await isSmallFile(path))) continue;
        files.set(`.shared/directives/${name}`, await readFile(path));
      }
      return new Map([...files, ...(await readSharedSkills(folders.skillsPath))]);
    },

    watch: (listener) => watchFolders(folders, ports.clock, listener),
    putVersion: (digest, version: { files: AgentFiles; home: string }) => versions.put(digest, version),
    getVersion: (digest) => versions.get(digest),
  };
}

/** The agent's name if an entry of an agents' folder is one: a folder with agent.yaml, or a YAML file. */
async function agentAt(path: string, entry: string): Promise<string | null> {
  const facts = await statOrNull(path);
  if (facts?.isDirectory()) return (await statOrNull(join(path, "agent.yaml"))) === null ? null : entry;
  const name = /^(.+)\.ya?ml$/.exec(entry)?.[1];
  return facts?.isFile() && name !== undefined ? name : null;
}

async function isSingleDocument(folder: string): Promise<boolean> {
  const visible = (await readdir(folder)).filter((name) => isAgentFile(name));
  return visible.length === 1;
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
    if (hasCode(error, "ENOENT")) return [];
    throw error;
  }
}

async function statOrNull(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENOTDIR", "ELOOP")) return null;
    throw error;
  }
}
