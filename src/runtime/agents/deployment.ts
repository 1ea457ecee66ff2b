import {
  isAgentFile,
  isVersionFile,
  versionBytesMax,
  versionFileBytesMax,
  versionFilesMax,
} from "../../domain/agent-package.ts";
import type { AgentFiles, AgentStore, WholeAgent } from "../../ports/agent-store.ts";
import { DuragentError } from "../../schema/problem.ts";
import type { YamlError } from "../../schema/yaml-document.ts";
import type { AgentDeployment, LoadedAgent } from "./catalog-types.ts";
import { loadAgent, type AgentMaterial } from "./load-agent.ts";

/** What deploying needs of the catalog that the agents then appear in. */
export type DeploymentParts = {
  readonly store: AgentStore;
  get(name: string): Promise<LoadedAgent | undefined>;
  /** Reads the agent at a place again; resolves when the catalog has it. */
  refresh(key: string): Promise<void>;
  /** The place that answers to a name. */
  keyOf(name: string): string | undefined;
  /** What every agent is loaded with. */
  shared(): AgentFiles;
  readonly providers: (() => readonly string[]) | undefined;
  readonly sendsKey: (provider: string) => boolean;
};

/** Agents over the API: checked whole before anything of them is kept. */
export function createAgentDeployment(parts: DeploymentParts): AgentDeployment {
  const { store, get, refresh } = parts;
  // One at a time: what a condition was checked against must still be so when it is written.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Value>(change: () => Promise<Value>): Promise<Value> => {
    const done = last.then(change);
    last = done.catch(() => undefined);
    return done;
  };
  /** The revision that was looked at together with the condition; nothing without one. */
  const checked = async (name: string, condition: ((digest: string | null) => boolean) | undefined) => {
    if (condition === undefined) return undefined;
    const revision = await store.revision(name);
    const digest = (await get(name))?.digest ?? null;
    if (condition(digest)) return revision;
    throw changed(name, digest);
  };

  return {
    deploy: (agent, condition) =>
      inTurn(async () => {
        const files = new Map([...agent.files].filter(([path]) => isAgentFile(path)));
        const name = checkedName({ ...agent, files }, parts);
        const ifMatch = await checked(name, condition);
        const put = await store.put(name, { files, executable: agent.executable }, ifMatch);
        if (put.kind === "conflict") throw changed(name, null);
        if (put.kind === "taken") {
          const why = `the agent ${put.by} is deployed, and names that differ in capitals only are the same`;
          throw new DuragentError("conflict", `${name} can not be deployed: ${why}; choose another name`);
        }
        await refresh(`dynamic/${name}`);
        const deployed = await get(name);
        if (deployed !== undefined) return { agent: deployed, action: put.kind };
        throw new DuragentError("storage-failed", `the agent ${name} was kept but can not be read back; see its store`);
      }),

    remove: (name, condition) =>
      inTurn(async () => {
        await checked(name, condition);
        if (await store.delete(name)) return refresh(`dynamic/${name}`);
        if (parts.keyOf(name) === undefined) throw new DuragentError("agent-not-found", `agent '${name}' not found`);
        throw new DuragentError(
          "conflict",
          `agent '${name}' was not deployed over the API: remove its folder from the server's agents folder`,
        );
      }),

    async pack(name) {
      const key = parts.keyOf(name);
      const whole = key === undefined ? undefined : await store.readWhole(key);
      if (whole !== undefined) return whole;
      throw new DuragentError("agent-not-found", `agent '${name}' not found`);
    },
  };
}

const changed = (name: string, digest: string | null): DuragentError =>
  new DuragentError(
    "precondition-failed",
    digest === null
      ? `agent '${name}' is not what If-Match says: it was removed or replaced; get it again and decide anew`
      : `agent '${name}' is not what If-Match says: its ETag is "${digest}"; get it again and decide anew`,
  );

/** The agent's name, if it is a valid agent. Throws `unprocessable` with everything that is wrong with it. */
function checkedName(agent: WholeAgent, { shared, providers, sendsKey }: DeploymentParts): string {
  const files = new Map([...agent.files].filter(([path]) => isVersionFile(path)));
  const sizes = [...files.values()].map((bytes) => bytes.length);
  const errors: YamlError[] = [...files]
    .filter(([, bytes]) => bytes.length > versionFileBytesMax)
    .map(([file, { length }]) => ({ file, message: `has ${length} bytes; at most ${versionFileBytesMax} are read` }));
  if (sizes.length > versionFilesMax) errors.push(tooMuch(`${sizes.length} files`, versionFilesMax));
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  if (bytes > versionBytesMax) errors.push(tooMuch(`${bytes} bytes`, versionBytesMax));
  // One document has no folder; what counts is only that a package will have one.
  const home = agent.files.size === 1 ? "" : "deployed";
  return loadedOrThrow({ files: new Map([...shared(), ...files]), home, providers: providers?.(), sendsKey }, errors)
    .name;
}

const tooMuch = (found: string, limit: number): YamlError => ({
  file: "",
  message: `the package holds ${found} besides its tools; at most ${limit} are read`,
});

/** An agent that came with a request. Throws `unprocessable` with all its errors, and those that were found before. */
export function loadedOrThrow(material: AgentMaterial, before: readonly YamlError[] = []): LoadedAgent {
  const load = loadAgent(material);
  if (load.ok && before.length === 0) return load.agent;
  const errors = [...before, ...(load.ok ? [] : load.errors)].map(({ file, line, column, path, message }) => {
    // Of the definition the path says where; of another file its name and the line do.
    if (file !== "agent.yaml")
      return { path: [file, line, column].filter((part) => part !== undefined).join(":"), message };
    const place = line === undefined || path !== undefined ? "" : ` (line ${line}, column ${column})`;
    return { path: path ?? "", message: `${message}${place}` };
  });
  const [first] = errors;
  const place = first === undefined || first.path === "" ? "" : `${first.path}: `;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : "";
  throw new DuragentError(
    "unprocessable",
    `the agent's definition is not valid: ${place}${first?.message ?? ""}${more}`,
    { errors },
  );
}
