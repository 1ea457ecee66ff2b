import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import type { McpEntry } from "../../../src/adapters/mcp/server-entry.ts";
import { until } from "../../support/until.ts";
import { bubblewrap } from "./bubblewrap.ts";
import { callTool, isRunning, mcpHarness, namesOf, openField, toolNamed } from "./mcp-harness.ts";

const modules = fileURLToPath(new URL("../../../node_modules/@modelcontextprotocol", import.meta.url));
const filesystem = (folder: string): McpEntry => ({
  type: "mcp",
  name: "fs",
  command: process.execPath,
  args: [join(modules, "server-filesystem/dist/index.js"), folder],
});
const everything: McpEntry = {
  type: "mcp",
  name: "every",
  command: process.execPath,
  args: [join(modules, "server-everything/dist/index.js")],
};

for (const confined of [false, true])
  test(`the filesystem server is listed, called, killed and started again${confined ? ", inside the sandbox" : ""}`, async (t) => {
    const sandbox = confined ? await bubblewrap(t) : openField;
    if (sandbox === null) return;
    const { servers, agentWith, workspace, folder } = await mcpHarness(t, { sandbox });
    await writeFile(join(workspace, "a.txt"), "what it says");
    await writeFile(join(folder, "secret.txt"), "not for it");
    const agent = agentWith(filesystem(workspace));
    const first = await servers.toolsOf(agent);
    assert.deepEqual(first.problems, []);
    assert.equal(toolNamed(first.tools, "fs__read_text_file").effect, "pure");
    assert.equal(toolNamed(first.tools, "fs__write_file").effect, "unsafe");
    assert.equal(toolNamed(first.tools, "fs__create_directory").effect, "idempotent");

    const read = toolNamed(first.tools, "fs__read_text_file");
    const path = join(workspace, "a.txt");
    assert.equal((await callTool(read, { path })).content, "what it says");
    assert.equal((await callTool(read, { path: join(folder, "secret.txt") })).outcome, "error");
    assert.match(
      read.fault({ call_id: "1", tool_name: "fs__read_text_file", arguments: {} }) ?? "",
      /required property 'path'/,
    );

    await killChildren(process.pid);
    const again = await callTool(read, { path });
    // Whether its end was noticed before the call or by it, the next one reaches a new server.
    assert.ok(again.content === "what it says" || again.outcome === "interrupted");
    assert.equal((await callTool(read, { path })).content, "what it says");
    assert.deepEqual(namesOf((await servers.toolsOf(agent)).tools), namesOf(first.tools));
  });

/** kill -9 of every process that this one has started and that is an MCP server. */
async function killChildren(parent: number): Promise<void> {
  const ps = spawn("ps", ["-eo", "pid=,ppid=,args="], { stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  ps.stdout.on("data", (chunk: Buffer) => (text += String(chunk)));
  await once(ps, "close");
  const pids = text.split("\n").flatMap((line) => {
    const [pid = "", ppid = ""] = line.trim().split(/\s+/);
    return Number(ppid) === parent && line.includes("server-filesystem") ? [Number(pid)] : [];
  });
  assert.equal(pids.length, 1);
  for (const pid of pids) process.kill(pid, "SIGKILL");
  for (const pid of pids) await until("the server is dead", () => !isRunning(pid));
}

test("the everything server answers text, pictures, structures, progress and errors", async (t) => {
  const { servers, agentWith } = await mcpHarness(t);
  const { tools, problems } = await servers.toolsOf(agentWith(everything));
  assert.deepEqual(problems, []);
  assert.equal((await callTool(toolNamed(tools, "every__echo"), { message: "hello" })).content, "Echo: hello");
  assert.match(
    (await callTool(toolNamed(tools, "every__get-tiny-image"))).content,
    /\[image: image\/png, \d+ bytes, not shown\]/,
  );
  const structured = await callTool(toolNamed(tools, "every__get-structured-content"), { location: "Chicago" });
  assert.match(structured.content, /"temperature"/);
  const long = await callTool(toolNamed(tools, "every__trigger-long-running-operation"), { duration: 0.2, steps: 2 });
  assert.equal(long.outcome, "ok");
  assert.match(long.output, /1\/2/);
});

test("the everything server over streamable HTTP is reached, lost, and reached again", async (t) => {
  const port = await freePort();
  const start = async () => {
    const child = spawn(process.execPath, [join(modules, "server-everything/dist/index.js"), "streamableHttp"], {
      env: { ...process.env, PORT: String(port) },
      stdio: ["ignore", "ignore", "pipe"],
    });
    t.after(() => void child.kill("SIGKILL"));
    await until("it listens", () =>
      fetch(`http://127.0.0.1:${port}/`).then(
        () => true,
        () => false,
      ),
    );
    return child;
  };
  const child = await start();
  const { servers, agentWith } = await mcpHarness(t);
  const agent = agentWith({ type: "mcp", name: "web", url: `http://127.0.0.1:${port}/mcp`, headers: { "x-key": "v" } });
  const { tools, problems } = await servers.toolsOf(agent);
  assert.deepEqual(problems, []);
  const echo = toolNamed(tools, "web__echo");
  assert.equal((await callTool(echo, { message: "hello" })).content, "Echo: hello");

  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal((await callTool(echo, { message: "lost" })).outcome, "interrupted");
  await start();
  assert.equal((await callTool(echo, { message: "again" })).content, "Echo: again");
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("not listening");
  return address.port;
}
