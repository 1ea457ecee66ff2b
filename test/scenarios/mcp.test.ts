import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { ask } from "../support/http-harness.ts";
import { runProgram } from "../support/server-process.ts";
import { until } from "../support/until.ts";
import { DoerSession, eventsOf, type Acting } from "./acting-agents.ts";

const modules = fileURLToPath(new URL("../../node_modules/@modelcontextprotocol", import.meta.url));
const server = (name: string, folder: string, ...args: string[]) => ({
  type: "mcp",
  name,
  command: process.execPath,
  args: [join(modules, folder, "dist/index.js"), ...args],
});
const acting: Acting = {
  // The working directory of a server is the agent's workspace.
  spec: { tools: [server("fs", "server-filesystem", "."), server("every", "server-everything")] },
  rules: [
    { when: "^write (.+)$", tool: { name: "fs__write_file", arguments: { path: "note.txt", content: "{{1}}" } } },
    { when: "^echo (.+)$", tool: { name: "every__echo", arguments: { message: "{{1}}" } } },
    { after_tool: "fs__write_file", say: "It says: {{result}}" },
    { after_tool: "every__echo", say: "It says: {{result}}" },
  ],
};

/** Processes of MCP servers that belong to a data directory, by what stands on their command lines or those of their sandbox. */
async function serversOf(session: DoerSession, script: string): Promise<number[]> {
  const ps = spawn("ps", ["-eo", "pid=,ppid=,stat=,args=", "-ww"], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  ps.stdout.on("data", (chunk: Buffer) => (text += String(chunk)));
  await once(ps, "close");
  const rows = text.split("\n").map((line) => line.trim().split(/\s+/));
  const family = new Set([session.server.life.pid]);
  for (const _round of rows) {
    const before = family.size;
    for (const [pid, ppid] of rows) if (family.has(Number(ppid))) family.add(Number(pid));
    if (family.size === before) break;
  }
  return rows.flatMap(([pid, , stat, ...args]) =>
    family.has(Number(pid)) && !stat?.startsWith("Z") && args.join(" ").includes(script) ? [Number(pid)] : [],
  );
}

test("MCP servers serve a session: their tools are called, killed and started again, also after a kill -9 of all", async (t) => {
  const session = await DoerSession.start(t, { ...acting, policy: { mode: "allow" } });
  const said = async (content: string) => String((await session.post("/messages", { content })).json.content);
  assert.match(await said("write one"), /It says: Successfully wrote/);
  assert.equal(await session.written("note.txt"), "one");
  assert.equal(await said("echo hello"), "It says: Echo: hello");

  const running = await serversOf(session, "server-filesystem");
  assert.ok(running.length > 0);
  for (const pid of running) killed(pid);
  await until("they are gone", async () => {
    const left = await serversOf(session, "server-filesystem");
    return running.every((pid) => !left.includes(pid));
  });
  assert.match(await said("write two"), /It says: Successfully wrote/);
  assert.equal(await session.written("note.txt"), "two");

  await session.restart();
  assert.match(await said("write three"), /It says: Successfully wrote/);
  assert.equal(await session.written("note.txt"), "three");
  const results = eventsOf(await session.afterTurns(4), "tool_result");
  assert.deepEqual(
    results.map(({ result }) => result.outcome),
    ["ok", "ok", "ok", "ok"],
  );
});

test("who talks to an agent whose MCP server can not be started is told so, without asking its model", async (t) => {
  const missing = { type: "mcp", name: "gone", command: "no-such-program" };
  const session = await DoerSession.start(t, {
    ...acting,
    spec: { tools: [missing] },
    rules: [{ when: ".*", say: "done" }],
  });
  const run = await runProgram(session.server, ["run", "-a", "doer", "hello"]);
  assert.equal(run.stdout, "done\n", run.stderr);
  assert.match(run.stderr, /^warning: MCP server gone: .*no-such-program/m);
  await session.post("/messages", { content: "hello" });
  const { json } = await ask(session.server.place, { path: `/api/v1/sessions/${session.id}` });
  assert.equal(json.tool_problems.length, 1, JSON.stringify(json));
  assert.match(json.tool_problems[0], /^MCP server gone: .*no-such-program/);
  const show = await runProgram(session.server, ["session", "show", session.id]);
  assert.match(show.stdout, /^tool problem +MCP server gone: /m);
});

test("a tool of an MCP server is asked about with its arguments, and runs when it is allowed", async (t) => {
  const session = await DoerSession.start(t, acting);
  await session.leave("echo hello");
  const question = await session.question();
  assert.equal(question["command"], 'every__echo {"message":"hello"}');
  const answered = await session.post("/approve", { call_id: question["call_id"], decision: "allow_once" });
  assert.equal(answered.json.content, "It says: Echo: hello");
});

/** One of them may be gone already: what it ran in ended with another. */
function killed(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
