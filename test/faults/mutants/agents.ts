import type { Mutant } from "../mutant.ts";

const store = "test/adapters/stores/agents/files.test.ts";
const api = "test/surfaces/http/deployed-agents.test.ts";

/** Faults put into how agents are deployed; each must turn its test red. */
export const agentMutants: readonly Mutant[] = [
  {
    name: "the deployed folder is removed before the new one is there",
    file: "src/adapters/stores/agents/deployed.ts",
    find: "        await this.#fs.rename(path, aside);",
    replace: "        await this.#fs.remove(path);",
    test: store,
  },
  {
    name: "an agent that stepped aside is not looked for",
    file: "src/adapters/stores/agents/deployed.ts",
    find: "? aside : path;",
    replace: "? path : path;",
    test: store,
  },
  {
    name: "links come out of a package",
    file: "src/client/agent-archive.ts",
    find: 'if (type !== "file" && type !== "directory") return',
    replace: 'if (type === "never") return',
    test: api,
  },
  {
    name: "paths that lead out come out of a package",
    file: "src/client/agent-archive.ts",
    find: 'parts.includes("..") ||',
    replace: "",
    test: api,
  },
  {
    name: "a package is unpacked without a bound",
    file: "src/client/agent-archive.ts",
    find: "maxOutputLength: limits.bytesMax + limits.filesMax * overheadBytes,",
    replace: "",
    test: api,
  },
  {
    name: "two changes of an agent may pass each other",
    file: "src/adapters/stores/agents/deployed.ts",
    find: "this.#last.then(change)",
    replace: "change()",
    test: store,
  },
  {
    name: "a deployed agent says where the server's key goes",
    file: "src/runtime/agents/load-agent.ts",
    find: "this.#material.sendsKey?.(provider) !== true",
    replace: "provider !== undefined",
    test: api,
  },
];
