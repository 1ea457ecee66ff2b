import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTripwire } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { createAddressGuard } from "../../../src/adapters/tools/web/address-guard.ts";
import { fetchWithin } from "../../../src/adapters/tools/web/guarded-fetch.ts";
import { callTool, mcpHarness, namesOf, toolNamed } from "./mcp-harness.ts";

type Rpc = { id?: number; method: string; params?: { protocolVersion?: string; name?: string } };

/** A streamable HTTP server with one tool, which answers with JSON; `answer` may take over. */
async function httpServer(
  t: TestContext,
  answer: (rpc: Rpc, response: ServerResponse, request: IncomingMessage) => boolean,
) {
  let sessions = 0;
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += String(chunk)));
    request.on("end", () => {
      if (request.method !== "POST") return void response.writeHead(405).end();
      const rpc: Rpc = JSON.parse(body);
      if (answer(rpc, response, request)) return;
      if (rpc.id === undefined) return void response.writeHead(202).end();
      if (rpc.method === "initialize") response.setHeader("mcp-session-id", `session-${++sessions}`);
      const results: Record<string, unknown> = {
        initialize: {
          protocolVersion: rpc.params?.protocolVersion,
          capabilities: { tools: {} },
          serverInfo: { name: "http", version: "1" },
        },
        "tools/list": { tools: [{ name: "ask", inputSchema: { type: "object" } }] },
        "tools/call": { content: [{ type: "text", text: `answered in ${String(request.headers["mcp-session-id"])}` }] },
      };
      sendJson(response, { jsonrpc: "2.0", id: rpc.id, result: results[rpc.method] });
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return { type: "mcp" as const, name: "web", url: `http://127.0.0.1:${address.port}/mcp` };
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.setHeader("content-type", "application/json");
  response.end(JSON.stringify(value));
}

test("a session that the server has forgotten is begun anew, and the call is made once", async (t) => {
  let forgotten = "";
  let calls = 0;
  const entry = await httpServer(t, (rpc, response, request) => {
    if (rpc.method !== "tools/call") return false;
    if (request.headers["mcp-session-id"] === forgotten) {
      response.writeHead(404).end();
      return true;
    }
    calls += 1;
    return false;
  });
  const { servers, agentWith } = await mcpHarness(t);
  const { tools, problems } = await servers.toolsOf(agentWith(entry));
  assert.deepEqual(problems, []);
  assert.equal((await callTool(toolNamed(tools, "web__ask"))).content, "answered in session-1");
  forgotten = "session-1";
  assert.equal((await callTool(toolNamed(tools, "web__ask"))).content, "answered in session-2");
  assert.equal(calls, 2);
});

test("the headers of agent.yaml are sent with each request", async (t) => {
  const keys = new Set<unknown>();
  const entry = await httpServer(t, (_rpc, _response, request) => {
    keys.add(request.headers["x-key"]);
    return false;
  });
  const { servers, agentWith } = await mcpHarness(t);
  const { tools } = await servers.toolsOf(agentWith({ ...entry, headers: { "x-key": "value" } }));
  await callTool(toolNamed(tools, "web__ask"));
  assert.deepEqual([...keys], ["value"]);
});

test("an answer without end is cut off, and the server can be used again", async (t) => {
  let isEndless = true;
  const entry = await httpServer(t, (rpc, response) => {
    if (rpc.method !== "tools/call" || !isEndless) return false;
    response.setHeader("content-type", "application/json");
    response.write('{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"');
    const pour = (): void => {
      while (!response.destroyed && response.write("x".repeat(65_536)));
    };
    response.on("drain", pour);
    pour();
    return true;
  });
  const { servers, agentWith } = await mcpHarness(t);
  const agent = agentWith(entry);
  const ask = toolNamed((await servers.toolsOf(agent)).tools, "web__ask");
  const result = await callTool(ask);
  assert.equal(result.outcome, "interrupted");
  assert.match(result.content, /message of more than 8 MiB/);
  isEndless = false;
  assert.equal((await callTool(ask)).outcome, "ok");
});

test("a server that is not there is a problem with its name, and the others' tools are offered", async (t) => {
  const entry = await httpServer(t, () => false);
  const { servers, agentWith } = await mcpHarness(t);
  const away = { type: "mcp" as const, name: "away", url: "http://127.0.0.1:1/mcp" };
  const { tools, problems } = await servers.toolsOf(agentWith(away, entry));
  assert.deepEqual(namesOf(tools), ["web__ask"]);
  assert.match(problems.join(), /^MCP server away: fetch failed/);
});

test("an agent that came over the API reaches no MCP server in this machine's network", async (t) => {
  let connections = 0;
  const tripwire = createTripwire((socket) => {
    connections += 1;
    socket.destroy();
  }).listen(0, "127.0.0.1");
  await once(tripwire, "listening");
  t.after(() => void tripwire.close());
  const address = tripwire.address();
  assert.ok(typeof address === "object" && address !== null);
  const webGuard = fetchWithin(createAddressGuard(() => false));
  const { servers, agentWith, folder } = await mcpHarness(t, { home: "", webGuard });
  const deployed = join(folder, "data", "sys", "dyn_agents", "tester");
  for (const home of ["", deployed])
    for (const host of ["127.0.0.1", "127.1", "[::ffff:127.0.0.1]", "localhost"]) {
      const agent = agentWith({ type: "mcp", name: "inner", url: `http://${host}:${address.port}/mcp` });
      const { tools, problems } = await servers.toolsOf({ ...agent, home });
      assert.deepEqual(tools, []);
      assert.match(problems.join(), /not an address of the public internet/);
    }
  assert.equal(connections, 0);
});
