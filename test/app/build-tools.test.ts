import assert from "node:assert/strict";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";

import { createSystemClock } from "../../src/adapters/clock/system.ts";
import { nodeFileSystem } from "../../src/adapters/file-system/node.ts";
import { openArtifactStore, openMemoryStore } from "../../src/adapters/stores/registry.ts";
import { openTools } from "../../src/app/build-tools.ts";
import { openSandbox } from "../../src/adapters/sandboxes/registry.ts";
import { loadConfig } from "../../src/app/config/load-config.ts";
import { Redaction } from "../../src/app/redaction.ts";
import type { Tool, ToolContext } from "../../src/ports/tool.ts";
import type { LoadedAgent } from "../../src/runtime/agents/catalog-types.ts";
import type { ToolSet } from "../../src/runtime/parts.ts";
import { shortAgentSchema } from "../../src/schema/agent.ts";
import type { SessionId } from "../../src/schema/ids.ts";
import type { ToolCall } from "../../src/schema/session-event.ts";
import { recordingLog } from "../support/runtime-harness.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { until } from "../support/until.ts";

const secret = "sk-very-secret-0123456789";
const sessionId = `session_${"0".repeat(26)}` as SessionId;
const never = (): Promise<never> => Promise.reject(new Error("not part of this test"));

/** Everything real but the sandbox, which is none: what is composed is tried here, not how commands are held back. */
async function ground(t: TestContext, files: Record<string, string> = {}) {
  const folder = await temporaryFolder(t);
  const dataDir = join(folder, ".duragent");
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(dataDir, path)), { recursive: true });
    await writeFile(join(dataDir, path), text);
    if (path.endsWith("/run")) await chmod(join(dataDir, path), 0o755);
  }
  const loaded = await loadConfig({ cwd: folder, env: {} });
  const inForce = { config: loaded.config, redaction: new Redaction([secret]) };
  const clock = createSystemClock();
  const lines: { level: string; message: string }[] = [];
  const fs = nodeFileSystem;
  const artifacts = await openArtifactStore("filesystem", { folder: join(dataDir, "artifacts"), fs, clock });
  const memory = await openMemoryStore("filesystem", { folder: join(dataDir, "memory"), fs });
  const tools = openTools({
    inForce,
    env: { PATH: process.env["PATH"], HOME: folder },
    sandbox: openSandbox({ mode: "none", network: false, env: {}, hidden: { folders: [], files: [], holders: [] } }),
    files: fs,
    clock,
    log: recordingLog(lines),
    artifacts,
    memory,
    sessions: { list: never, send: never, processEnded: never, processSays: never },
  });
  t.after(() => tools.close());
  const agent = (spec: Record<string, unknown>, digest = "d"): LoadedAgent => ({
    name: "tester",
    digest,
    definition: shortAgentSchema.parse({ name: "tester", model: { provider: "scripted", name: "x" }, ...spec }),
    soul: undefined,
    systemPrompt: undefined,
    instructions: undefined,
    directives: [],
    files: new Map(),
    home: join(dataDir, "agents/tester"),
    source: "",
    warnings: [],
    skills: [],
  });
  return { folder, dataDir, tools, agent, lines, artifacts };
}

const namesOf = ({ tools }: ToolSet): string[] => tools.map((tool) => tool.definition.name);
const call = (name: string, given: ToolCall["arguments"] = {}): ToolCall => ({
  call_id: "c1",
  tool_name: name,
  arguments: given,
});
const toolNamed = (set: ToolSet, name: string): Tool => {
  const tool = set.tools.find((one) => one.definition.name === name);
  assert.ok(tool, `no ${name} among ${namesOf(set).join(", ")}`);
  return tool;
};
const context = (idempotencyKey = "key"): ToolContext => ({
  sessionId,
  agent: "tester",
  callId: "c1",
  idempotencyKey,
  attempt: 1,
  signal: new AbortController().signal,
  onOutput: () => {},
  session: { processStarted: () => Promise.resolve(), notify: () => Promise.resolve({ to: "nobody" }) },
});

test("an agent without tools has none, and nothing is made for it", async (t) => {
  const { tools, agent, dataDir } = await ground(t);
  const set = tools.toolsOf(agent({}));
  await set.prepare();
  assert.deepEqual(set.tools, []);
  assert.match(set.missing("bash"), /^There is no tool bash\. You have no tools\.$/);
  await assert.rejects(stat(join(dataDir, "workspace")), { code: "ENOENT" });
  await assert.rejects(stat(join(dataDir, "processes")), { code: "ENOENT" });
});

test("tools are those that are listed, the memory tool where memory is set, and the programs found", async (t) => {
  const { tools, agent, dataDir } = await ground(t, {
    "agents/tester/tools/greet/run": "#!/bin/sh\necho mine",
    "tools/greet/run": "#!/bin/sh\necho shared",
    "tools/Bash/run": "#!/bin/sh\necho shared",
    "tools/weather/run": "#!/bin/sh\necho sunny",
  });
  const listed = [
    { type: "builtin", name: "bash" },
    { type: "builtin", name: "read_file" },
    { type: "cli", name: "deploy", command: ["true"] },
  ];
  const set = tools.toolsOf(agent({ tools: listed, memory: {} }));
  await set.prepare();
  assert.deepEqual(namesOf(set).toSorted(), ["bash", "deploy", "greet", "memory", "read_file", "weather"]);
  assert.match((await toolNamed(set, "greet").run(call("greet"), context())).content, /mine/);
  const { mode } = await stat(join(dataDir, "workspace/tester"));
  assert.equal(mode & 0o777, 0o700);
});

test("programs that come later are there at the next look, and by reload_tools at once", async (t) => {
  const { tools, agent, dataDir } = await ground(t);
  const set = tools.toolsOf(agent({ tools: [{ type: "builtin", name: "reload_tools" }] }));
  await set.prepare();
  assert.deepEqual(namesOf(set), ["reload_tools"]);
  await mkdir(join(dataDir, "tools/later"), { recursive: true });
  await writeFile(join(dataDir, "tools/later/run"), "#!/bin/sh\necho ok", { mode: 0o755 });
  const told = await toolNamed(set, "reload_tools").run(call("reload_tools"), context());
  assert.match(told.content, /"name": "later"/);
  assert.deepEqual(namesOf(set), ["reload_tools", "later"]);
  await set.prepare();
  assert.deepEqual(namesOf(set), ["reload_tools", "later"]);
});

test("a version of an agent has its tools made once; another version has others", async (t) => {
  const { tools, agent } = await ground(t);
  const one = agent({ tools: [{ type: "builtin", name: "read_file" }] });
  const set = tools.toolsOf(one);
  await set.prepare();
  const [tool] = set.tools;
  assert.equal(tools.toolsOf(one), set);
  await set.prepare();
  assert.equal(set.tools[0]?.definition, tool?.definition);
  assert.notEqual(tools.toolsOf(agent({}, "e")), set);
});

test("policy decides about a call, says why it denies, and keeps what is always allowed", async (t) => {
  const { tools, agent, dataDir } = await ground(t, {
    "agents/tester/policy.yaml": "deny: ['bash:rm']\nallow: ['bash:ls']\n",
  });
  const builtins = ["bash", "read_file", "write_file"].map((name) => ({ type: "builtin", name }));
  const set = tools.toolsOf(agent({ tools: builtins }));
  await set.prepare();
  const bash = toolNamed(set, "bash");
  const decide = (command: string) => set.decide(bash, call("bash", { command }));
  assert.deepEqual(decide("ls -la"), { policy: "allow", denial: null });
  assert.equal(decide("make").policy, "ask");
  const denied = decide("rm -rf x");
  assert.equal(denied.policy, "deny");
  assert.match(denied.denial ?? "", /^denied by policy: .*rm/);
  assert.equal(set.decide(toolNamed(set, "read_file"), call("read_file", { path: "x" })).policy, "allow");
  assert.equal(set.decide(toolNamed(set, "write_file"), call("write_file", { path: "x", content: "" })).policy, "ask");

  const make = call("bash", { command: "make test && git push" });
  assert.equal(set.pattern(bash, make), "bash:make *\nbash:git push *");
  await set.allowAlways(bash, make);
  assert.equal(decide("make").policy, "allow");
  assert.match(await readFile(join(dataDir, "agents/tester/policy.local.yaml"), "utf8"), /bash:git push \*/);
});

test("a result beyond 256 KiB is cut, with the whole of it, free of secrets, in an artifact", async (t) => {
  const { tools, agent, artifacts } = await ground(t, {
    // The secret lies where the cut would go through it.
    "tools/long/run": `#!/bin/sh\nhead -c 131060 /dev/zero | tr '\\0' a\nprintf '${secret}'\nhead -c 300000 /dev/zero | tr '\\0' b\n`,
  });
  const set = tools.toolsOf(agent({}));
  await set.prepare();
  const { content, artifact } = await toolNamed(set, "long").run(call("long"), context());
  assert.ok(Buffer.byteLength(content) < 300 * 1024);
  assert.doesNotMatch(content, /sk-very|0123456789/);
  const ref = await artifacts.find("tester", artifact ?? "");
  assert.ok(ref);
  assert.ok(ref.meta.bytes > 400_000);
});

test("what a listed tool lacks is said in the log once, and to the model that calls it", async (t) => {
  const { tools, agent, lines } = await ground(t);
  const listed = [
    { type: "builtin", name: "schedule" },
    { type: "mcp", name: "gone", command: "/no/such/program" },
  ];
  const set = tools.toolsOf(agent({ tools: listed }));
  await set.prepare();
  await set.prepare();
  assert.deepEqual(set.tools, []);
  assert.match(set.missing("schedule"), /can not be used now: .*needs a later version/);
  assert.match(set.missing("gone__list"), /can not be used now: MCP server gone: /);
  const said = lines.filter(({ message }) => message.includes("MCP server gone"));
  assert.equal(said.length, 1, JSON.stringify(said));
  const problems = set.problems();
  assert.equal(problems.length, 2, JSON.stringify(problems));
  // It counts down meanwhile, which makes no other problem of it.
  await set.prepare();
  await set.prepare();
  assert.deepEqual(set.problems(), problems);
  assert.doesNotMatch(problems.join(), /tried again/);
});

test("a look for tools says which MCP servers it waits for", async (t) => {
  const { tools, agent } = await ground(t);
  const mcp = (name: string) => ({ type: "mcp", name, command: "sleep", args: ["60"] });
  const set = tools.toolsOf(agent({ tools: [mcp("slow"), mcp("late")] }));
  assert.equal(set.waitsFor(), "looking for the agent's tools");
  const prepared = set.prepare();
  await until("they are being started", () => set.waitsFor() === "starting MCP servers slow, late");
  await tools.close();
  await prepared;
  assert.equal(set.problems().length, 2);
});
