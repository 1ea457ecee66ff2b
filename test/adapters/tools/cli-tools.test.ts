import assert from "node:assert/strict";
import { symlink } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import { cliTools } from "../../../src/adapters/tools/cli-tools.ts";
import type { ToolAgent } from "../../../src/adapters/tools/parts.ts";
import { findCliTools } from "../../../src/adapters/tools/registry.ts";
import type { CommandRunner } from "../../../src/ports/command-runner.ts";
import type { AgentTool } from "../../../src/schema/agent-tools.ts";
import { openGround } from "../processes/command-ground.ts";
import { contextOf } from "../processes/command-context.ts";
import { put } from "../sandboxes/sandboxed.ts";
import { agentWith, call, recordedCommands } from "./recorded-commands.ts";

const cli = (name: string, command: string | string[], more: object = {}): AgentTool => ({
  type: "cli",
  name,
  command: typeof command === "string" ? command : [...command],
  ...more,
});

async function toolsOf(agent: ToolAgent & { sharedFolder: string }, commands: CommandRunner = recordedCommands()) {
  return findCliTools({ agent, commands, sharedFolder: agent.sharedFolder });
}

/** A tool that prints its words, one a line, run for real. */
async function realTool(t: TestContext, tool: AgentTool, files: Record<string, string> = {}) {
  const { runner } = await openGround(t, "auto");
  const agent = await agentWith(t, [tool]);
  for (const [path, content] of Object.entries(files)) await put(join(agent.home, path), content, 0o755);
  const { tools, problems } = await toolsOf(agent, runner);
  const [made] = tools;
  assert.ok(made, problems.join());
  return {
    tool: made,
    run: async (given: unknown) => {
      assert.equal(made.fault(call(tool.name, given)), null);
      return (await made.run(call(tool.name, given), contextOf())).content;
    },
  };
}

void test("explicit tools beat found ones, the agent's beat the shared, without regard to case", async (t) => {
  const agent = await agentWith(t, [{ type: "builtin", name: "bash" }, cli("Mine", ["echo"])], { memory: {} });
  const program = "#!/bin/sh\n";
  for (const name of ["mine", "own", "bash", "Memory"])
    await put(join(agent.home, "tools", name, "run.sh"), program, 0o755);
  for (const name of ["OWN", "shared", "mine"]) await put(join(agent.sharedFolder, name, "run"), program, 0o755);
  await put(join(agent.home, "tools/own/README.md"), "# Own\nDoes it.\n");
  const { tools, found, folders, problems } = await toolsOf(agent);
  assert.deepEqual(
    tools.map(({ definition }) => definition.name),
    ["Mine", "own", "shared"],
  );
  assert.deepEqual(found, [
    { name: "own", description: "# Own\nDoes it." },
    { name: "shared", description: "CLI tool: shared" },
  ]);
  assert.deepEqual(folders, [join(agent.home, "tools"), agent.sharedFolder]);
  assert.deepEqual(problems, []);
  assert.deepEqual(
    tools.map((tool) => [tool.effect, tool.describe(call("x", {}))]),
    [
      ["unsafe", { type: "cli", text: "Mine" }],
      ["unsafe", { type: "cli", text: "own" }],
      ["unsafe", { type: "cli", text: "shared" }],
    ],
  );
});

void test("what looks like a tool and is none is named, and what does not is left alone", async (t) => {
  const agent = await agentWith(t, []);
  const tools = join(agent.home, "tools");
  await put(join(tools, "plain/run"), "#!/bin/sh\n", 0o644);
  await put(join(tools, "bad name/run"), "#!/bin/sh\n", 0o755);
  await put(join(tools, "docs/notes.md"), "notes");
  await put(join(tools, "README.md"), "about");
  await put(join(tools, "several/run.md"), "no program", 0o644);
  await put(join(tools, "several/run.py"), "#!/usr/bin/env python3\n", 0o755);
  await put(join(tools, ".hidden/run"), "#!/bin/sh\n", 0o755);
  await put(join(agent.folder, "elsewhere/run"), "#!/bin/sh\n", 0o755);
  await symlink(join(agent.folder, "elsewhere"), join(tools, "out"));
  const { found, problems } = await toolsOf(agent);
  assert.deepEqual(
    found.map(({ name }) => name),
    ["several"],
  );
  assert.deepEqual(problems, [
    `${tools}/bad name: a tool's name has 1 to 64 letters, digits, _ or -`,
    `${tools}/out: is a link that leads out of this folder`,
    `${tools}/plain: run is not an executable file; chmod +x makes it one`,
  ]);
});

void test("an agent that came over the API has no file of this machine shown to it by naming it as a program", async (t) => {
  const command = recordedCommands();
  const agent = await agentWith(t, []);
  const elsewhere = join(agent.folder, "others/key");
  await put(elsewhere, "somebody else's", 0o755);
  await put(join(agent.home, "own.sh"), "#!/bin/sh\n", 0o755);
  await symlink(elsewhere, join(agent.home, "link.sh"));
  const shownTo = async (who: Partial<ToolAgent>, program: string): Promise<readonly string[]> => {
    const { definition } = await agentWith(t, [cli("it", [program])]);
    const { tools, problems } = await toolsOf({ ...agent, ...who, definition }, command);
    assert.ok(tools[0], problems.join());
    await tools[0].run(call("it", {}), contextOf());
    return command.asked.at(-1)?.readable ?? [];
  };
  assert.ok((await shownTo({}, elsewhere)).includes(elsewhere));
  assert.deepEqual(await shownTo({ home: "" }, elsewhere), []);
  const tools = join(agent.home, "tools");
  assert.deepEqual(await shownTo({ isForeign: true }, elsewhere), [tools]);
  assert.deepEqual(await shownTo({ isForeign: true }, join(agent.home, "link.sh")), [tools]);
  assert.deepEqual(await shownTo({ isForeign: true }, "./own.sh"), [tools, join(agent.home, "own.sh")]);
});

void test("a program that comes, changes or goes is seen when it is looked at again", async (t) => {
  const agent = await agentWith(t, []);
  assert.deepEqual((await toolsOf(agent)).found, []);
  await put(join(agent.sharedFolder, "late/run"), "#!/bin/sh\n", 0o755);
  await put(join(agent.sharedFolder, "late/README.md"), "Late.");
  assert.deepEqual((await toolsOf(agent)).found, [{ name: "late", description: "Late." }]);
});

void test("a folder that is named as a program is none, and is not shown to any command", async (t) => {
  for (const named of ["absolute", "relative"]) {
    const agent = await agentWith(t, []);
    const secret = join(agent.folder, "others/kept");
    await put(secret, "somebody else's", 0o600);
    await put(join(agent.home, "tools/kept"), "own", 0o600);
    const folder = named === "absolute" ? join(agent.folder, "others") : "./tools";
    const tool = cli("look", `${folder} || cat ${secret}`);
    const definition = { ...agent.definition, spec: { ...agent.definition.spec, tools: [tool] } };
    const { tools, problems } = await toolsOf({ ...agent, definition });
    assert.deepEqual(tools, []);
    assert.match(problems.join(), /is not there or not executable/);
  }
});

void test("words of the model stay words: no shell reads them", async (t) => {
  const words = ["a b", "$(touch /tmp/x)", "; rm -rf ~", "`id`", "'", '"', "*", "", "--flag=1", "\\", "|cat"];
  const print = '#!/bin/bash\nfor word in "$@"; do echo "<$word>"; done\n';
  const shown = words.map((word) => `<${word}>`).join("\n");
  for (const command of [
    "./print.sh",
    ["./print.sh"],
    'for word in "$@"; do echo "<$word>"; done; true',
    "tools/print.sh",
  ]) {
    const { run } = await realTool(t, cli("print", command), { "print.sh": print, "tools/print.sh": print });
    assert.equal(await run({ args: words }), shown, String(command));
  }
  const { run } = await realTool(t, cli("print", "./print.sh first 'second word'"), { "print.sh": print });
  assert.equal(await run({ args: ["$HOME"] }), "<first>\n<second word>\n<$HOME>");
  assert.equal(await run({}), "<first>\n<second word>");
});

void test("one line of words is split as a shell would, with nothing expanded", async (t) => {
  const { run, tool } = await realTool(t, cli("print", ["printf", "<%s>"]));
  assert.equal(await run({ args: `a 'b c' "d \\"e\\" $HOME" f\\ g h'i'j ''` }), '<a><b c><d "e" $HOME><f g><hij><>');
  assert.match(tool.fault(call("print", { args: "a 'b" })) ?? "", /nothing was run: args: expected a list of words/);
  for (const given of [{ args: [1] }, { args: {} }, { more: "x" }, { args: ["a"], more: 1 }])
    assert.notEqual(tool.fault(call("print", given)), null, JSON.stringify(given));
});

void test("arguments with a schema are checked, and arrive as JSON and as variables", async (t) => {
  const parameters = {
    type: "object",
    properties: {
      city: { type: "string", pattern: "^[A-Z]" },
      days: { type: "integer", maximum: 7 },
      "a-b": { type: "array" },
    },
    required: ["city"],
    additionalProperties: false,
  };
  const env = { UNITS: "metric" };
  const { run, tool } = await realTool(
    t,
    cli("weather", 'cat; echo "$ARG_CITY|$ARG_DAYS|$ARG_A_B|$UNITS|$#"', { parameters, env }),
  );
  assert.deepEqual(tool.definition.parameters, parameters);
  const given = { city: "Rome; $(id)", days: 3, "a-b": [1, "x"] };
  assert.equal(await run(given), `${JSON.stringify(given)}\nRome; $(id)|3|[1,"x"]|metric|0`);
  for (const [wrong, why] of [
    [{}, /city/],
    [{ city: "rome" }, /pattern/],
    [{ city: "Rome", days: 8 }, /days/],
    [{ city: "Rome", more: 1 }, /additional properties/],
    [{ city: null }, /city/],
  ] as const)
    assert.match(tool.fault(call("weather", wrong)) ?? "", why, JSON.stringify(wrong));
});

void test("arguments that take for ever to be checked are wrong, and do not stop the server", async (t) => {
  const parameters = {
    type: "object",
    properties: { list: { type: "array", items: { anyOf: [{ pattern: "^(a+)+$" }, { pattern: "^[a-z]+$" }] } } },
  };
  const { tools } = await toolsOf(await agentWith(t, [cli("slow", ["true"], { parameters })]));
  const check = (list: string[]) => tools[0]?.fault(call("slow", { list }));
  const slow = call("slow", { list: Array.from({ length: 50 }, () => `${"a".repeat(40)}!`) });
  for (const _again of [1, 2]) assert.match(tools[0]?.fault(slow) ?? "", /take longer than 500 ms/);
  // Many are not slow by themselves.
  assert.equal(check(Array.from({ length: 5_000 }, () => "abc")), null);
});

void test("what a listed tool says about itself holds: effect, time, environment, description", async (t) => {
  const commands = recordedCommands();
  const files = new Map([["tools/x.md", Buffer.from("More.\n")]]);
  const more = { effect: "idempotent", timeout: 5, env: { A: "1" }, description: "Does.", readme: "./tools/x.md" };
  const agent = await agentWith(t, [cli("one", ["prog", "-x"], more), cli("two", ["prog"], { effect: "resumable" })], {
    files,
    readable: ["/r"],
  });
  const { tools } = await toolsOf(agent, commands);
  const [one, two] = tools;
  assert.deepEqual([one?.effect, one?.definition.description], ["idempotent", "Does.\n\nMore."]);
  // A program has no handle by which a call could be found again.
  assert.equal(two?.effect, "unsafe");
  await one?.run(call("one", { args: ["y"] }), contextOf());
  assert.deepEqual(commands.asked, [
    {
      argv: ["prog", "-x", "y"],
      env: { A: "1" },
      cwd: agent.workspace,
      writable: [agent.workspace],
      readable: ["/r", join(agent.home, "tools")],
      timeoutMs: 5000,
    },
  ]);
});

void test("a listed tool that can not work is not offered, and its problem says why", async (t) => {
  const agent = await agentWith(t, [
    cli("gone", "./gone.sh"),
    cli("out", ["../../x.sh"]),
    cli("readme", ["true"], { readme: "nope.md" }),
    cli("schema", ["true"], { parameters: { type: "object", properties: { a: { type: "bogus" } } } }),
    cli("list", ["true"], { parameters: { type: "array" } }),
    cli("fine", ["true"]),
  ]);
  await put(join(agent.folder, "x.sh"), "#!/bin/sh\n", 0o755);
  await put(join(agent.home, "agent.yaml"), "");
  const { tools, problems } = await toolsOf(agent);
  assert.deepEqual(
    tools.map(({ definition }) => definition.name),
    ["fine"],
  );
  assert.match(
    problems.join("\n"),
    /^the tool gone: there is no \.\/gone\.sh in the agent's folder\nthe tool out: \.\.\/\.\.\/x\.sh lies outside/,
  );
  assert.match(
    problems.join("\n"),
    /readme: there is no file nope\.md.*\nthe tool schema: "parameters" is no JSON Schema.*\nthe tool list: .*"type": object/,
  );
});

void test("an inline definition has no folder: absolute programs, lines and shared tools still work", async (t) => {
  const agent = await agentWith(t, [cli("abs", "/bin/echo"), cli("line", "echo hi"), cli("rel", "./x.sh")], {
    home: "",
  });
  await put(join(agent.sharedFolder, "shared/run"), "#!/bin/sh\n", 0o755);
  const { tools, problems, folders } = await cliTools({
    agent,
    commands: recordedCommands(),
    sharedFolder: agent.sharedFolder,
  });
  assert.deepEqual(
    tools.map(({ definition }) => definition.name),
    ["abs", "line", "shared"],
  );
  assert.match(problems.join(), /rel: \.\/x\.sh is relative, and this agent has no folder/);
  assert.deepEqual(folders, [agent.sharedFolder]);
});

void test("a found program runs in the workspace, not in its own folder, which it can read", async (t) => {
  const { runner } = await openGround(t, "auto");
  const agent = await agentWith(t, []);
  const run = await put(
    join(agent.home, "tools/show/run"),
    '#!/bin/sh\npwd; cat "$(dirname "$0")/table.txt"; echo "$@"\n',
    0o755,
  );
  await put(join(run, "../table.txt"), "a table\n");
  const { tools } = await toolsOf(agent, runner);
  const result = await tools[0]?.run(call("show", { args: ["x"] }), contextOf());
  assert.equal(result?.content, `${agent.workspace}\na table\nx`);
});
