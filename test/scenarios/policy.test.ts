import assert from "node:assert/strict";
import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { duragent, startProgram } from "../support/program.ts";
import { workspace } from "./workspaces.ts";

test("policy check says what is decided about each command, by which line, and needs no server", async (t) => {
  const { folder, dataDir } = await workspace(t, {
    "echo/policy.yaml":
      "mode: ask\nallow:\n  - bash:git status\n  - bash:ls *\n  - builtin:memory:recall\ndeny:\n  - bash:rm\n",
  });
  await writeFile(join(dataDir, "policy.yaml"), "deny: [bash:dd]\n");
  const check = (...args: string[]) => duragent(["policy", "check", "-a", "echo", ...args], { cwd: folder });
  const own = String.raw`\.duragent/agents/echo/policy\.yaml`;

  const allowed = await check("git status -s | ls");
  assert.equal(allowed.code, 0, allowed.stderr);
  assert.match(
    allowed.stdout,
    new RegExp(`^allow .*\n {2}allow git status -s: .*"bash:git status", ${own}:3\n {2}allow ls: .*:4\n$`),
  );

  const asked = await check("git status; make");
  assert.equal(asked.code, 1);
  assert.match(asked.stdout, new RegExp(`^ask .*mode is ask, ${own}:1\n`));
  assert.match(asked.stdout, /always allow" would keep: bash:git status \*, bash:make \*/);
  assert.match((await check("ls > x")).stdout, /^ask .*more than plain words[^]*would keep nothing/);

  const denied = await check("ls $(sudo rm -rf x)", "--json");
  assert.equal(denied.code, 1);
  const { verdict } = JSON.parse(denied.stdout);
  assert.deepEqual([verdict.policy, verdict.reason.pattern, verdict.reason.line], ["deny", "bash:rm", 7]);
  assert.match((await check("dd if=x")).stdout, /^deny .*"bash:dd", \.duragent\/policy\.yaml:1\n/);
  assert.match((await check("--type", "builtin", "memory:recall")).stdout, /^allow /);
  assert.match((await check("--type", "mcp", "files__read")).stdout, /^ask /);

  await writeFile(join(dataDir, "policy.yaml"), "deny: [bash:dd\n");
  const broken = await check("ls");
  assert.equal(broken.code, 1);
  assert.match(
    broken.stdout,
    /^deny {2}everything is denied because a policy file is broken: \.duragent\/policy\.yaml:\d+:\d+: /,
  );

  assert.equal((await duragent(["policy", "check", "ls"], { cwd: folder })).code, 2);
  assert.match(
    (await duragent(["policy", "check", "-a", "nobody", "ls"], { cwd: folder })).stderr,
    /there is no agent nobody\nhint: /,
  );
});

test("doctor and agent validate name what is broken in a policy file; doctor mends who may write it", async (t) => {
  const { folder, dataDir } = await workspace(t, { "echo/policy.yaml": "mode: ask\nalow: [bash:ls]\n" });
  const file = join(dataDir, "agents/echo/policy.yaml");
  const validate = await duragent(["agent", "validate", ".duragent/agents/echo"], { cwd: folder });
  assert.equal(validate.code, 1);
  assert.equal(
    validate.stdout,
    '.duragent/agents/echo/policy.yaml:2:1: alow: unknown key "alow"; did you mean "allow"?\n',
  );
  const first = await duragent(["doctor"], { cwd: folder });
  assert.equal(first.code, 1);
  assert.match(
    first.stdout,
    /error .*agents\/echo\/policy\.yaml:2:1: alow: .*\n.*every call that it decides about is denied/,
  );

  await writeFile(file, "mode: ask\n");
  await chmod(file, 0o666);
  const second = await duragent(["doctor"], { cwd: folder });
  assert.match(second.stdout, /error .*policy\.yaml: mode 0666 lets every user/);
  await duragent(["doctor", "--fix"], { cwd: folder });
  assert.equal((await stat(file)).mode & 0o002, 0);
});

test("health is degraded while a policy file is broken, and says where", async (t) => {
  const { folder, dataDir } = await workspace(t, { "echo/policy.yaml": "mode: [\n" });
  const server = startProgram(t, ["serve", "--port", "0"], { cwd: folder });
  const [url] = await server.shows(/http:\/\/127\.0\.0\.1:\d+/);
  const health = async () => JSON.parse(await (await fetch(`${url}/health`)).text());
  const { status, checks } = await health();
  assert.equal(status, "degraded");
  assert.match(checks.policies[0].file, /agents\/echo\/policy\.yaml$/);
  await writeFile(join(dataDir, "agents/echo/policy.yaml"), "mode: ask\n");
  assert.deepEqual((await health()).checks.policies, []);
});

test("a new agent comes with a policy that lets it look around and asks about the rest", async (t) => {
  const { folder, dataDir } = await workspace(t);
  await duragent(["agent", "create", "fresh", "--provider", "ollama"], { cwd: folder });
  assert.match(await readFile(join(dataDir, "agents/fresh/policy.yaml"), "utf8"), /^mode: ask/m);
  assert.equal((await duragent(["agent", "validate", ".duragent/agents/fresh"], { cwd: folder })).code, 0);
  const check = async (...args: string[]) =>
    (await duragent(["policy", "check", "-a", "fresh", ...args], { cwd: folder })).stdout.slice(0, 5);
  assert.equal(await check("git status && ls -la | head -5"), "allow");
  assert.equal(await check("--type", "builtin", "read_file"), "allow");
  assert.equal(await check("npm install"), "ask  ");
  assert.equal(await check("--type", "builtin", "write_file"), "ask  ");
  assert.equal(await check("ls; sudo ls"), "deny ");
});
