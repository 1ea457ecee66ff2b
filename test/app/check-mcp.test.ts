import assert from "node:assert/strict";
import { once } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";

import { checkMcp } from "../../src/app/doctor/check-mcp.ts";
import type { AgentCatalog } from "../../src/runtime/agents/catalog-types.ts";
import type { AgentTool } from "../../src/schema/agent-tools.ts";
import { testAgent } from "../support/runtime-harness.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

function catalogWith(tools: AgentTool[], home: string): AgentCatalog {
  const agent = { ...testAgent({}), home };
  agent.definition.spec = { ...agent.definition.spec, tools };
  return {
    list: () => [{ name: agent.name }],
    invalid: () => [],
    get: () => Promise.resolve(agent),
    version: () => Promise.resolve(undefined),
    inline: () => agent,
    keep: () => Promise.resolve(),
    reload: () => Promise.resolve(1),
    onChange: () => () => {},
  };
}

test("doctor names MCP servers whose program is not there", async (t) => {
  const home = await temporaryFolder(t);
  const program = join(home, "server");
  await writeFile(program, "#!/bin/sh\n");
  await chmod(program, 0o755);
  const mcp = (name: string, command: string, env?: Record<string, string>): AgentTool => ({
    type: "mcp",
    name,
    command,
    ...(env ? { env } : {}),
  });
  const catalog = catalogWith(
    [
      mcp("absolute", program),
      mcp("own", "./server"),
      mcp("on-path", "server"),
      mcp("own-path", "server", { PATH: "/nowhere" }),
      mcp("missing", "no-such-program"),
      mcp("missing-file", "./nothing"),
      { type: "mcp", name: "web", url: "http://127.0.0.1:9/" },
    ],
    home,
  );
  const checks = await checkMcp({ catalog, env: { PATH: home }, online: false, isOffline: false });
  assert.deepEqual(
    checks.map(({ status, message }) => [status, message]),
    [
      ["warn", "tester: MCP server own-path: there is no program server on the PATH"],
      ["warn", "tester: MCP server missing: there is no program no-such-program on the PATH"],
      ["warn", "tester: MCP server missing-file: there is no program ./nothing"],
    ],
  );
});

test("with --online doctor says which MCP servers answer at their URL, and which want to know who asks", async (t) => {
  const server = createServer((request, answer) => {
    answer.writeHead(request.headers["x-key"] === "right" ? 405 : 401).end();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => void server.close());
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  const url = `http://127.0.0.1:${address.port}/mcp`;
  const catalog = catalogWith(
    [
      { type: "mcp", name: "open", url, headers: { "x-key": "right" } },
      { type: "mcp", name: "closed", url },
      { type: "mcp", name: "away", url: "http://nowhere.invalid/mcp" },
    ],
    "/nowhere",
  );
  const checks = await checkMcp({ catalog, env: {}, online: true, isOffline: true });
  assert.deepEqual(
    checks.map(({ status, message }) => [status, message.replace(/:\d+\//, "/").replace(/(answer:).*/, "$1")]),
    [
      ["ok", "tester: MCP server open: it answers"],
      ["warn", "tester: MCP server closed: http://127.0.0.1/mcp answered 401"],
      ["warn", "tester: MCP server away: http://nowhere.invalid/mcp does not answer:"],
    ],
  );
});

test("doctor says where a server would have to be fetched and there is no network", async (t) => {
  const home = await temporaryFolder(t);
  await writeFile(join(home, "npx"), "#!/bin/sh\n", { mode: 0o755 });
  const catalog = catalogWith([{ type: "mcp", name: "files", command: "npx", args: ["-y", "some-server"] }], home);
  const problems = async (isOffline: boolean) =>
    (await checkMcp({ catalog, env: { PATH: home }, online: false, isOffline })).map(({ message }) => message);
  assert.deepEqual(await problems(false), []);
  assert.deepEqual(await problems(true), [
    "tester: MCP server files: npx may have to fetch it, and there is no network in the sandbox",
  ]);
});
