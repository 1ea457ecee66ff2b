import assert from "node:assert/strict";
import { test } from "node:test";

import { ManualClock } from "../../support/manual-clock.ts";
import { until } from "../../support/until.ts";
import { callTool, isRunning, mcpHarness, namesOf, toolNamed } from "./mcp-harness.ts";

test("a tool that changes its description is another tool: its fingerprint differs, and the old one is not called", async (t) => {
  const { servers, agentWith, odd, journalLines } = await mcpHarness(t);
  const agent = agentWith(odd());
  const before = (await servers.toolsOf(agent)).tools;
  const echo = toolNamed(before, "odd__echo");
  const call = { call_id: "1", tool_name: "odd__echo", arguments: { text: "x" } };
  assert.equal((await callTool(echo, { text: "x" })).content, "echo: x");
  assert.match(echo.describe(call).fingerprint ?? "", /^[0-9a-f]{64}$/);

  await callTool(toolNamed(before, "odd__change"));
  const stale = await callTool(echo, { text: "x" });
  assert.equal(stale.outcome, "error");
  assert.match(stale.content, /was not called: .*the tool has changed since it was offered/);
  assert.equal((await journalLines()).filter((line) => line === "call echo").length, 1);

  const after = toolNamed((await servers.toolsOf(agent)).tools, "odd__echo");
  assert.equal(after.definition.description, "Sends it to somebody else");
  assert.notEqual(after.describe(call).fingerprint, echo.describe(call).fingerprint);
  assert.equal((await callTool(after, { text: "x" })).outcome, "ok");
});

test("the same server started again has the same fingerprints", async (t) => {
  const { servers, agentWith, odd } = await mcpHarness(t);
  const prints = async (name: string) =>
    (await servers.toolsOf(agentWith(odd("well-behaved", name)))).tools.map(
      (tool) => tool.describe({ call_id: "1", tool_name: tool.definition.name, arguments: {} }).fingerprint,
    );
  assert.deepEqual(await prints("one"), await prints("two"));
});

test("effects are the server's claims, and what claims to destroy is never repeated", async (t) => {
  const { servers, agentWith, odd } = await mcpHarness(t);
  const { tools } = await servers.toolsOf(agentWith(odd()));
  const effects = ["echo", "add", "wipe", "slow"].map((name) => toolNamed(tools, `odd__${name}`).effect);
  assert.deepEqual(effects, ["pure", "idempotent", "unsafe", "unsafe"]);
  const text = toolNamed(tools, "odd__wipe").describe({ call_id: "1", tool_name: "odd__wipe", arguments: {} });
  assert.deepEqual([text.type, text.text], ["mcp", "odd__wipe"]);
});

test("arguments are checked before the server is asked; a schema that can not be used is said and left to it", async (t) => {
  const { servers, agentWith, odd } = await mcpHarness(t);
  const { tools, problems } = await servers.toolsOf(agentWith(odd()));
  const fault = (name: string, args: unknown) =>
    toolNamed(tools, name).fault({ call_id: "1", tool_name: name, arguments: args as never });
  assert.equal(fault("odd__echo", { text: "x" }), null);
  assert.match(fault("odd__echo", {}) ?? "", /The arguments of odd__echo are wrong, so nothing was run: .*'text'/);
  assert.match(fault("odd__echo", { text: 1 }) ?? "", /text must be string/);
  assert.match(fault("odd__echo", { text: "x", more: 1 }) ?? "", /additional properties/);
  assert.match(fault("odd__echo", "text") ?? "", /must be object/);
  // A pattern that takes for ever is the server's business.
  assert.equal(fault("odd__greedy", { a: `${"a".repeat(40)}!` }), null);
  assert.equal(fault("odd__odd-schema", { a: 1 }), null);
  assert.match(
    problems.join(),
    /^MCP server odd: the arguments of its tool "odd-schema" are checked by itself only: .*nowhere/,
  );
});

test("names become what providers take; what is too long or meets another is left out and said", async (t) => {
  const { servers, agentWith, odd } = await mcpHarness(t);
  const { tools, problems } = await servers.toolsOf(agentWith(odd("strange-names")));
  assert.deepEqual(
    namesOf(tools),
    ["odd__plain", "odd__with_space", "odd__gr__e"].map((name) => name.replace("gr__e", "gr__e")),
  );
  assert.equal(problems.length, 4);
  assert.match(problems.join("\n"), /"with_space" is left out: it has the same name as "with space"/);
  assert.match(problems.join("\n"), /"PLAIN" is left out: it has the same name as "plain"/);
  assert.match(problems.join("\n"), /not a name of 1 to 64 characters/);
});

test("pictures, sound and resources are named, an error of the tool and of the protocol is an error", async (t) => {
  const { servers, agentWith, odd } = await mcpHarness(t);
  const { tools } = await servers.toolsOf(agentWith(odd()));
  const mixed = await callTool(toolNamed(tools, "odd__mixed"));
  assert.deepEqual(mixed.content.split("\n"), [
    "first",
    "[image: image/png, 3 bytes, not shown]",
    "[audio: audio/wav, 3 bytes, not shown]",
    "[resource: file:///a]",
    "inside",
    "[resource: file:///b, application/zip, 3 bytes, not shown]",
    "[resource: file:///c (c)]",
  ]);
  const { success, outcome, content } = await callTool(toolNamed(tools, "odd__fail"));
  assert.deepEqual({ success, outcome, content }, { success: false, outcome: "error", content: "it went wrong" });
  assert.match((await callTool(toolNamed(tools, "odd__refuse"))).content, /refused the call: not today/);
  const progress = await callTool(toolNamed(tools, "odd__progress"));
  assert.deepEqual([progress.content, progress.output], ["done", "1/2 half\n2/2 half\n"]);
});

test("a result is kept to 1 MiB; a line of 10 MB ends its server and no other", async (t) => {
  const { servers, agentWith, odd, logged } = await mcpHarness(t);
  const agent = agentWith(odd("well-behaved", "one"), odd("well-behaved", "two"));
  const { tools } = await servers.toolsOf(agent);
  const large = await callTool(toolNamed(tools, "one__large"));
  assert.equal(large.outcome, "ok");
  assert.match(large.content, /Cut: the first 1048576 of 2097152 characters/);
  assert.ok(large.content.length < 1024 * 1024 + 200);
  const huge = await callTool(toolNamed(tools, "one__huge"));
  assert.equal(huge.outcome, "interrupted");
  assert.match(huge.content, /a line of more than 8 MiB.*outcome is unknown/);
  assert.ok(logged.some(({ level, message }) => level === "warn" && message === "MCP server was killed"));
  assert.equal((await callTool(toolNamed(tools, "two__echo"), { text: "still here" })).content, "echo: still here");
  assert.equal((await callTool(toolNamed(tools, "one__echo"), { text: "again" })).content, "echo: again");
});

test("a call in flight when its server dies has an unknown outcome, and the next one reaches a new server", async (t) => {
  const { servers, agentWith, odd, journalLines } = await mcpHarness(t);
  const { tools } = await servers.toolsOf(agentWith(odd()));
  const died = await callTool(toolNamed(tools, "odd__die"));
  assert.equal(died.outcome, "interrupted");
  assert.match(died.content, /ended by SIGKILL\). The outcome is unknown/);
  assert.equal((await callTool(toolNamed(tools, "odd__echo"), { text: "x" })).content, "echo: x");
  assert.deepEqual((await journalLines()).filter((line) => line === "call die").length, 1);
});

test("a server that dies whenever it is called is given time before it is started again", async (t) => {
  const clock = new ManualClock();
  const { servers, agentWith, odd } = await mcpHarness(t, { clock });
  const { tools } = await servers.toolsOf(agentWith(odd()));
  const die = toolNamed(tools, "odd__die");
  assert.equal((await callTool(die)).outcome, "interrupted");
  assert.equal((await callTool(die)).outcome, "interrupted");
  assert.match((await callTool(die)).content, /was not called/);
  clock.advance(60_000);
  assert.match((await callTool(die)).content, /The outcome is unknown/);
});

for (const manner of ["never-answers", "never-lists"])
  test(`a server that ${manner.replace("-", " ")} costs 10 s at most, leaves no process, and is not tried again at once`, async (t) => {
    const clock = new ManualClock();
    const { servers, agentWith, odd, journalLines } = await mcpHarness(t, { clock });
    await servers.toolsOf(agentWith(odd("well-behaved", "other")));
    const agent = agentWith(odd(manner), odd("well-behaved", "other"));
    const wanted = servers.toolsOf(agent);
    await until("it was asked", async () => (await journalLines()).length >= 2);
    clock.advance(10_000);
    const stopping = setInterval(() => clock.advance(1_000), 20);
    t.after(() => clearInterval(stopping));
    const { tools, problems } = await wanted;
    assert.ok(namesOf(tools).includes("other__echo"));
    assert.equal(
      problems[0],
      "MCP server odd: it has not said within 10 s what tools it has; it is still being started",
    );
    assert.match((await servers.toolsOf(agent)).problems.join(), /still being started/);
    clock.advance(120_000);
    const pids = (await journalLines()).flatMap((line) => line.match(/^initialize (\d+)$/)?.[1] ?? []).map(Number);
    await until("only the other one runs", () => pids.filter(isRunning).length === 1);
    clearInterval(stopping);
    const started = pids.length;
    assert.match((await servers.toolsOf(agent)).problems.join(), /did not say within 120 s/);
    assert.equal((await journalLines()).filter((line) => line.startsWith("initialize")).length, started);
  });

test("a server that ends at once, or is not there, is a problem that says why", async (t) => {
  const { servers, agentWith, odd } = await mcpHarness(t);
  const missing = { type: "mcp" as const, name: "missing", command: "/nowhere/at-all" };
  const { tools, problems } = await servers.toolsOf(agentWith(odd("dies-at-once"), missing));
  assert.deepEqual(tools, []);
  assert.deepEqual(problems, [
    "MCP server odd: it ended with exit code 3",
    "MCP server missing: spawn /nowhere/at-all ENOENT",
  ]);
});

test("a server that ends at once is a problem at once that says its last words, and where it lacks the network what to do", async (t) => {
  const says = (line: string) => ({
    type: "mcp" as const,
    name: "npx",
    command: "/bin/sh",
    args: ["-c", `echo first >&2; printf '${line}' >&2; exit 1`],
  });
  const offline = await mcpHarness(t, { isOffline: true, clock: new ManualClock() });
  const problemsOf = async (line: string) => (await offline.servers.toolsOf(offline.agentWith(says(line)))).problems;
  assert.deepEqual(await problemsOf("no such option"), [
    "MCP server npx: it ended with exit code 1; it said: first; no such option",
  ]);
  const [problem = ""] = await problemsOf("npm error code EAI_AGAIN");
  assert.match(problem, /EAI_AGAIN\. There is no network in the sandbox: install .* sandbox\.network: true/);
  const { servers, agentWith } = await mcpHarness(t);
  assert.doesNotMatch((await servers.toolsOf(agentWith(says("EAI_AGAIN")))).problems.join(), /sandbox/);
});

test("lines that are no messages are skipped, and too many of them end the server", async (t) => {
  const { servers, agentWith, odd, logged } = await mcpHarness(t);
  const polite = await servers.toolsOf(agentWith(odd("prints-nonsense")));
  assert.equal((await callTool(toolNamed(polite.tools, "odd__echo"), { text: "x" })).content, "echo: x");
  await servers.toolsOf(agentWith(odd("prints-nonsense-forever")));
  await until("it was killed", () => logged.some(({ message }) => message === "MCP server was killed"));
});

test("a flood of messages and a line without end keep this process small and responsive", async (t) => {
  const { servers, agentWith, odd, logged } = await mcpHarness(t);
  const before = process.memoryUsage().rss;
  const flooding = await servers.toolsOf(agentWith(odd("floods", "flood"), odd("endless-line", "endless")));
  assert.ok(namesOf(flooding.tools).includes("flood__echo") || flooding.problems.length > 0);
  await until("the endless line is cut", () => logged.some(({ message }) => message === "MCP server was killed"));
  assert.ok(process.memoryUsage().rss - before < 200 * 1024 * 1024);
});
