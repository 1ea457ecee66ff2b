import assert from "node:assert/strict";
import { mkdir, stat, symlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { bashTool } from "../../../src/adapters/tools/bash.ts";
import { openGround } from "../processes/command-ground.ts";
import { contextOf } from "../processes/command-context.ts";
import { agentWith, call, recordedCommands } from "./recorded-commands.ts";

void test("bash runs a line in the workspace, which it makes, for two minutes if nothing else is said", async (t) => {
  const agent = await agentWith(t, [], { readable: ["/usr/share"] });
  const commands = recordedCommands();
  const bash = bashTool({ agent, commands });
  await bash.run(call("bash", { command: "ls" }), contextOf());
  assert.deepEqual(commands.asked, [
    {
      argv: ["bash", "-c", "ls"],
      cwd: agent.workspace,
      writable: [agent.workspace],
      readable: ["/usr/share"],
      timeoutMs: 120_000,
    },
  ]);
  assert.equal((await stat(agent.workspace)).mode & 0o777, 0o700);
  const { type, text } = bash.describe(call("bash", { command: "ls -l" }));
  assert.deepEqual([type, text], ["bash", "ls -l"]);
  assert.equal(bash.effect, "unsafe");
});

void test("bash starts in a folder of the workspace or one that it may read, never outside", async (t) => {
  const agent = await agentWith(t, []);
  const readable = join(agent.folder, "skills");
  await mkdir(join(agent.workspace, "inner"), { recursive: true });
  await mkdir(readable);
  await symlink(agent.folder, join(agent.workspace, "out"));
  await symlink("inner", join(agent.workspace, "link"));
  const commands = recordedCommands();
  const bash = bashTool({ agent: { ...agent, readable: [readable] }, commands });
  const cwdOf = async (cwd: string) => {
    const result = await bash.run(call("bash", { command: "pwd", cwd }), contextOf());
    return result.success ? commands.asked.pop()?.cwd : result.content;
  };
  assert.equal(await cwdOf("inner"), join(agent.workspace, "inner"));
  assert.equal(await cwdOf("link"), join(agent.workspace, "inner"));
  assert.equal(await cwdOf(agent.workspace), agent.workspace);
  assert.equal(await cwdOf(readable), readable);
  for (const outside of ["..", "/", "/etc", "out", "out/agents", "../other", agent.folder])
    assert.match((await cwdOf(outside)) ?? "", /outside of your workspace/, outside);
  assert.match((await cwdOf("missing")) ?? "", /There is no folder missing/);
});

void test("bash finds its workspace also where the data directory is reached by a link", async (t) => {
  const ground = await openGround(t, "auto");
  const agent = await agentWith(t, []);
  await mkdir(agent.workspace, { recursive: true });
  await symlink(agent.folder, `${agent.folder}/link`);
  const workspace = join(agent.folder, "link/workspace/me");
  const bash = bashTool({ agent: { ...agent, workspace }, commands: ground.runner });
  const result = await bash.run(
    call("bash", { command: "mkdir -p a && cd a && pwd && echo x > y && cat y" }),
    contextOf(),
  );
  assert.equal(result.content, `${workspace}/a\nx`);
});

void test("arguments that are wrong are named and nothing is run", async (t) => {
  const bash = bashTool({ agent: await agentWith(t, []), commands: recordedCommands() });
  for (const given of [
    {},
    { command: "" },
    { command: 1 },
    { command: "a", timeout_seconds: 0 },
    { command: "a", timeout_seconds: 1801 },
    { command: "a", more: 1 },
  ])
    assert.match(
      bash.fault(call("bash", given)) ?? "",
      /The arguments of bash are wrong, so nothing was run/,
      JSON.stringify(given),
    );
  assert.equal(bash.fault(call("bash", { command: "a", timeout_seconds: 1800 })), null);
});
