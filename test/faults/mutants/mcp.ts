import type { Mutant } from "../mutant.ts";

const odd = "test/adapters/mcp/odd-servers.test.ts";
const life = "test/adapters/mcp/life.test.ts";
const http = "test/adapters/mcp/http-servers.test.ts";
const program = "test/adapters/mcp/start-program.test.ts";
const bounds = "test/adapters/mcp/bounds.test.ts";

/** Faults put into what is done with MCP servers; each must turn its test red. */
export const mcpMutants: readonly Mutant[] = [
  {
    name: "a tool that has changed its meaning is called all the same",
    file: "src/adapters/mcp/mcp-tool.ts",
    find: "return fingerprintOf(now) === fingerprint",
    replace: 'return fingerprint !== ""',
    test: odd,
    only: "changes its description",
  },
  {
    name: "a changed list is not read again",
    file: "src/adapters/mcp/open-client.ts",
    find: "opened.isStale = true;",
    replace: "opened.isStale = false;",
    test: odd,
    only: "changes its description",
  },
  {
    name: "a description is no part of the fingerprint",
    file: "src/adapters/mcp/mcp-tool.ts",
    find: "sorted({ name, title, description, inputSchema,",
    replace: "sorted({ name, title, inputSchema,",
    test: odd,
    only: "changes its description",
  },
  {
    name: "what claims to destroy and to be idempotent may be repeated",
    file: "src/adapters/mcp/mcp-tool.ts",
    find: 'if (annotations?.destructiveHint === true) return "unsafe";',
    replace: "",
    test: odd,
    only: "effects are",
  },
  {
    name: "a server of its own group is killed alone",
    file: "src/adapters/mcp/stdio-transport.ts",
    find: "process.kill(-pid, signal);",
    replace: "process.kill(pid, signal);",
    test: life,
    only: "closing ends",
  },
  {
    name: "a server that does not answer is waited for without end",
    file: "src/adapters/mcp/open-client.ts",
    find: "  const disarm = clock.after(startTimeoutMs,",
    replace: "  const disarm = clock.after(100 * startTimeoutMs,",
    test: odd,
    only: "costs 10 s",
  },
  {
    name: "a server that failed is started again at once, every time",
    file: "src/adapters/mcp/mcp-server.ts",
    find: "if (this.#failure && waitMs > 0)",
    replace: "if (this.#failure && waitMs > 1e9)",
    test: odd,
    only: "dies whenever",
  },
  {
    name: "a line without end is kept",
    file: "src/adapters/bounded-lines.ts",
    find: "if (length + piece.length > bytesMax) {",
    replace: "if (length + piece.length > 1e12) {",
    test: bounds,
  },
  {
    name: "programs of a server get the whole environment",
    file: "src/adapters/mcp/start-program.ts",
    find: "env: { ...environment, ...env },",
    replace:
      "env: { ...Object.fromEntries(Object.entries(process.env).map(([key, value]) => [key, value ?? ''])), ...env },",
    test: life,
    only: "minimal environment",
  },
  {
    name: "a definition that came over the API reaches this machine's network by MCP",
    file: "src/adapters/mcp/open-transport.ts",
    find: "isForeign(agent, parts.deployedFolder) ? parts.webGuard : fetch",
    replace: "fetch",
    test: http,
    only: "came over the API",
  },
  {
    name: "a deployed agent may name any folder",
    file: "src/adapters/mcp/start-program.ts",
    find: "const named = foreign",
    replace: "const named = agent.home === ''",
    test: program,
  },
  {
    name: "a folder that holds the server's data is shown",
    file: "src/adapters/mcp/start-program.ts",
    find: "if (!isWithin(real, workspace) || real === workspace) return [path, real];",
    replace: "return [path, real];",
    test: program,
  },
];
