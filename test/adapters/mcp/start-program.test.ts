import assert from "node:assert/strict";
import { chmod, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";

import type { McpAgent, McpEntry } from "../../../src/adapters/mcp/server-entry.ts";
import { programOf } from "../../../src/adapters/mcp/start-program.ts";
import type { Confined, Sandbox } from "../../../src/ports/sandbox.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

async function ground(t: TestContext) {
  const folder = await temporaryFolder(t);
  const at = (...parts: string[]): string => join(folder, ...parts);
  for (const path of [
    "project/agents/a",
    "project/deployed/d",
    "project/data/workspace/a",
    "opt/server/node_modules",
    "served",
    "skills",
  ])
    await mkdir(at(path), { recursive: true });
  for (const path of [
    "project/agents/a/run.mjs",
    "opt/server/main.mjs",
    "opt/server/package.json",
    "project/loose.mjs",
  ])
    await writeFile(at(path), "");
  await chmod(at("opt/server/main.mjs"), 0o755);
  const agent: McpAgent = {
    name: "a",
    home: at("project/agents/a"),
    workspace: at("project/data/workspace/a"),
    readable: [at("skills")],
    definition: { spec: { tools: [] } },
  };
  const confined: Confined[] = [];
  const sandbox = (kind: Sandbox["kind"]): Sandbox => ({
    kind,
    inForce: [],
    warnings: [],
    confine: (program) => (confined.push(program), program),
  });
  const start = (entry: Partial<McpEntry>, more: Partial<McpAgent> = {}, kind: Sandbox["kind"] = "bubblewrap") => {
    programOf(
      { ...agent, ...more },
      { type: "mcp", name: "m", ...entry },
      { sandbox: sandbox(kind), environment: { PATH: "/bin", A: "1" }, deployedFolder: at("project/deployed") },
    );
    return confined.at(-1)!;
  };
  return { at, agent, start };
}

test("a server works in the workspace, which alone it may write, with the environment that the agent adds to", async (t) => {
  const { agent, start, at } = await ground(t);
  const { argv, cwd, env, writable, readable } = start({ command: "npx", args: ["-y", "x"], env: { A: "2", B: "3" } });
  assert.deepEqual(
    { argv, cwd, env, writable, readable },
    {
      argv: ["npx", "-y", "x"],
      cwd: agent.workspace,
      env: { PATH: "/bin", A: "2", B: "3" },
      writable: [agent.workspace],
      readable: [at("skills")],
    },
  );
});

test("what the arguments name by an absolute path can be read: a folder, a script with what lies around it", async (t) => {
  const { start, at } = await ground(t);
  const { readable } = start({
    command: "node",
    args: [at("opt/server/main.mjs"), at("served"), "/nowhere/at/all", "/"],
  });
  for (const path of [
    "skills",
    "opt/server/main.mjs",
    "opt/server",
    "opt/server/node_modules",
    "opt/server/package.json",
    "served",
  ])
    assert.ok(readable.includes(at(path)), path);
  assert.ok(!readable.includes(at("opt")));
  assert.ok(!readable.includes("/"));
});

test("of a script that lies beside agents and data only the script itself can be read", async (t) => {
  const { start, at } = await ground(t);
  const { readable } = start({ command: "node", args: [at("project/loose.mjs")] });
  assert.ok(readable.includes(at("project/loose.mjs")));
  assert.ok(!readable.includes(at("project")));
});

test("a folder that holds the server's data is not shown, and that is said", async (t) => {
  const { start, at } = await ground(t);
  for (const path of ["project", "project/data", "project/data/workspace"])
    assert.throws(() => start({ command: "node", args: [at(path)] }), /holds the server's own data/);
  start({ command: "node", args: [at("project/data/workspace/a")] });
  start({ command: "node", args: [at("project")] }, {}, "none");
});

test("a path from ./ is a file of the agent's folder, and of nothing outside of it", async (t) => {
  const { start, at, agent } = await ground(t);
  await symlink(at("opt/server/main.mjs"), join(agent.home, "out.mjs"));
  const { argv, readable } = start({ command: "node", args: ["./run.mjs", "./out.mjs", "./missing", "../b"] });
  assert.deepEqual(argv, ["node", join(agent.home, "run.mjs"), "./out.mjs", "./missing", "../b"]);
  assert.ok(readable.includes(join(agent.home, "run.mjs")));
  assert.ok(!readable.some((path) => path.startsWith(at("opt"))));
  assert.equal(start({ command: "run.mjs/.." }).argv[0], agent.home);
});

test("a definition without a folder shows nothing more to its programs, and runs none outside of a sandbox", async (t) => {
  const { start, at } = await ground(t);
  const { argv, readable } = start({ command: "node", args: [at("served"), "./run.mjs"] }, { home: "" });
  assert.deepEqual(argv, ["node", at("served"), "./run.mjs"]);
  assert.deepEqual(readable, [at("skills")]);
  assert.throws(() => start({ command: "node" }, { home: "" }, "none"), /in a sandbox only/);
});

test("an agent that was deployed reads its own folder and no other, and runs nothing outside of a sandbox", async (t) => {
  const { start, at } = await ground(t);
  const home = at("project/deployed/d");
  await writeFile(join(home, "own.mjs"), "");
  const { argv, readable } = start({ command: "node", args: ["./own.mjs", at("served")] }, { home });
  assert.deepEqual(argv, ["node", join(home, "own.mjs"), at("served")]);
  assert.ok(readable.includes(join(home, "own.mjs")));
  assert.ok(!readable.some((path) => path.startsWith(at("served"))));
  assert.throws(() => start({ command: "node" }, { home }, "none"), /in a sandbox only/);
});
