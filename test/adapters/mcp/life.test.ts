import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";

import { temporaryFolder } from "../../support/temporary-folder.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { until } from "../../support/until.ts";
import { bubblewrap } from "./bubblewrap.ts";
import { callTool, isRunning, mcpHarness, openField, toolNamed } from "./mcp-harness.ts";

const started = (lines: readonly string[]): number[] =>
  lines.flatMap((line) => line.match(/^initialize (\d+)$/)?.[1] ?? []).map(Number);

test("nothing is started before an agent asks for its tools; agents that configure a server alike share it", async (t) => {
  const { servers, agentWith, odd, journalLines } = await mcpHarness(t);
  const agent = agentWith(odd());
  assert.deepEqual(await journalLines(), []);
  await Promise.all([servers.toolsOf(agent), servers.toolsOf(agentWith(odd())), servers.toolsOf(agent)]);
  assert.equal(started(await journalLines()).length, 1);
  await servers.toolsOf({ ...agent, name: "another" });
  assert.equal(started(await journalLines()).length, 2);
  const [first] = agent.definition.spec.tools;
  assert.ok(first?.type === "mcp");
  await servers.toolsOf(agentWith({ ...first, env: { A: "b" } }));
  assert.equal(started(await journalLines()).length, 3);
});

test("a server that nobody has used for ten minutes is stopped, and started when it is called again", async (t) => {
  const clock = new ManualClock();
  const { servers, agentWith, odd, journalLines } = await mcpHarness(t, { clock });
  const { tools } = await servers.toolsOf(agentWith(odd()));
  const [first] = started(await journalLines());
  assert.ok(first !== undefined);
  clock.advance(599_000);
  const echo = toolNamed(tools, "odd__echo");
  assert.equal((await callTool(echo, { text: "x" })).outcome, "ok");
  clock.advance(599_000);
  assert.ok(isRunning(first));
  clock.advance(1_000);
  await until("it has ended", () => !isRunning(first));
  assert.equal((await callTool(echo, { text: "y" })).content, "echo: y");
  assert.equal(started(await journalLines()).length, 2);
});

test("closing ends every server, whatever it does about it, and its children", async (t) => {
  const { servers, agentWith, odd, journalLines } = await mcpHarness(t);
  await servers.toolsOf(
    agentWith(odd("well-behaved", "one"), odd("ignores-the-end", "two"), odd("leaves-a-child", "three")),
  );
  const child = Number((await journalLines()).find((line) => line.startsWith("child "))?.slice(6));
  const pids = [...started(await journalLines()), child];
  assert.equal(pids.length, 4);
  assert.deepEqual(pids.filter(isRunning), pids);
  await servers.close();
  await until("all have ended", () => !pids.some(isRunning));
  // Who asks now does not start them again.
  assert.deepEqual(await servers.toolsOf(agentWith(odd())), {
    tools: [],
    problems: ["MCP server odd: the server is shutting down"],
  });
});

test("a cancelled call ends at once; the server is told, and may be used on", async (t) => {
  const { servers, agentWith, odd, journalLines } = await mcpHarness(t);
  const { tools } = await servers.toolsOf(agentWith(odd()));
  const cancel = new AbortController();
  const slow = callTool(toolNamed(tools, "odd__slow"), {}, cancel.signal);
  await until("it has begun", async () => (await journalLines()).includes("slow started"));
  cancel.abort(new Error("nobody waits"));
  const result = await slow;
  assert.equal(result.outcome, "cancelled");
  assert.match(result.content, /may have taken effect/);
  await until("the server was told", async () => (await journalLines()).some((line) => line.startsWith("cancelled")));
  assert.equal((await callTool(toolNamed(tools, "odd__echo"), { text: "x" })).content, "echo: x");
  assert.equal(started(await journalLines()).length, 1);
});

test("a call that is cancelled while its server starts does not wait for that", async (t) => {
  const clock = new ManualClock();
  const { servers, agentWith, odd, journalLines, logged } = await mcpHarness(t, { clock });
  const entry = odd("slow-to-start-again");
  const echo = toolNamed((await servers.toolsOf(agentWith(entry))).tools, "odd__echo");
  const [pid] = started(await journalLines());
  process.kill(pid ?? 0, "SIGKILL");
  await until("its end is noticed", () => logged.some(({ message }) => message === "MCP server is gone"));
  const cancel = new AbortController();
  const call = callTool(echo, { text: "x" }, cancel.signal);
  await until("it is started again", async () => started(await journalLines()).length === 2);
  cancel.abort(new Error("nobody waits"));
  assert.equal((await call).outcome, "cancelled");
  const stopping = setInterval(() => clock.advance(1_000), 20);
  t.after(() => clearInterval(stopping));
  await servers.close();
});

test("a call without a sign of life ends, and says that it may have taken effect", async (t) => {
  const { servers, agentWith, odd } = await mcpHarness(t, { callTimeoutMs: 50 });
  const { tools } = await servers.toolsOf(agentWith(odd()));
  const result = await callTool(toolNamed(tools, "odd__slow"));
  assert.equal(result.outcome, "timeout");
  assert.match(result.content, /no sign of life for 0.05 s.*may have taken effect/);
});

test("a server gets the minimal environment and its own variables, nothing of ours, and works in the workspace", async (t) => {
  process.env["CANARY_OF_THE_SERVER"] = "canary-value";
  t.after(() => delete process.env["CANARY_OF_THE_SERVER"]);
  const { servers, agentWith, odd, workspace } = await mcpHarness(t, { environment: { LANG: "C.UTF-8" } });
  const { tools } = await servers.toolsOf(agentWith({ ...odd(), env: { OWN: "value" } }));
  const { content } = await callTool(toolNamed(tools, "odd__environment"));
  const { env, cwd } = JSON.parse(content);
  assert.deepEqual(Object.keys(env).toSorted(), ["DURAGENT_MCP_START", "HOME", "LANG", "OWN", "PATH"]);
  assert.equal(cwd, workspace);
});

for (const confined of [false, true])
  test(`after kill -9 of this program no MCP server is left${confined ? ", inside the sandbox either" : ""}`, async (t) => {
    const sandbox = confined ? await bubblewrap(t) : openField;
    if (sandbox === null) return;
    const folder = await temporaryFolder(t);
    const program = join(import.meta.dirname, "programs", "serving.ts");
    const child = spawn(process.execPath, [program, folder, sandbox.kind], { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => void child.kill("SIGKILL"));
    const [said] = await once(child.stdout, "data");
    assert.match(String(said), /ready/);
    const pids = await processesWith(folder);
    assert.ok(pids.length > 0);
    child.kill("SIGKILL");
    await until("all have ended", async () => (await processesWith(folder)).length === 0);
  });

/** Processes that have a text on their command line; this one and its parents have not. */
async function processesWith(text: string): Promise<string[]> {
  const ps = spawn("ps", ["-eo", "pid=,stat=,args=", "-ww"], { stdio: ["ignore", "pipe", "inherit"] });
  let listed = "";
  ps.stdout.on("data", (chunk: Buffer) => (listed += String(chunk)));
  await once(ps, "close");
  return listed
    .split("\n")
    .filter((line) => line.includes(text) && line.includes("odd-server") && !/^\s*\d+ Z/.test(line));
}
