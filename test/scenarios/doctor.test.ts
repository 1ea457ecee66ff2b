import assert from "node:assert/strict";
import { appendFile, chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { duragent } from "../support/program.ts";
import { workspace } from "./workspaces.ts";

type Check = { status: string; message: string; remedy?: string };

async function doctor(folder: string, ...flags: string[]) {
  const { code, stdout, stderr } = await duragent(["doctor", "--json", ...flags], { cwd: folder });
  assert.equal(stderr, "");
  const report: { status: string; sections: { name: string; checks: Check[] }[] } = JSON.parse(stdout);
  const checks = report.sections.flatMap((section) => section.checks);
  return {
    code,
    status: report.status,
    find: (pattern: RegExp) => checks.find(({ message }) => pattern.test(message)),
  };
}

test("a sound workspace passes", async (t) => {
  const { folder } = await workspace(t);
  const { code, find } = await doctor(folder);
  assert.equal(code, 0);
  assert.equal(find(/every default is in force/)?.status, "ok");
  assert.equal(find(/echo: scripted/)?.status, "ok");
});

test("a broken workspace is told place by place, each with a remedy, and --fix mends the modes", async (t) => {
  const { folder, dataDir } = await workspace(t, {
    "wrong/agent.yaml": "name: wrong\nmodle: { provider: scripted, name: x }\n",
    "keyless/agent.yaml": "name: keyless\nmodel: { provider: anthropic, name: some-model }\n",
    "later/agent.yaml": "name: later\nmodel: { provider: scripted, name: ./s.yaml }\nmemory: {}\n",
    "later/s.yaml": "rules: [{ when: '.*', say: hi }]\n",
  });
  await writeFile(
    join(folder, "duragent.yaml"),
    'services: { session: { durability: flushed } }\nserver: { api_token: short }\nobservability: { tracing: { otlp_endpoint: "http://127.0.0.1:4318" } }\n',
  );
  await duragent(["run", "-a", "echo", "hello"], { cwd: folder });
  await duragent(["serve", "stop"], { cwd: folder });
  const [session = ""] = (await readdir(join(dataDir, "sessions"))).filter((name) => name.startsWith("session_"));
  const log = join(dataDir, "sessions", session, "events.jsonl");
  const lines = (await readFile(log, "utf8")).split("\n");
  await writeFile(log, [lines[0], lines[1]?.replace("hello", "hallo"), ...lines.slice(2)].join("\n"));
  await chmod(dataDir, 0o755);

  const { code, status, find } = await doctor(folder);
  assert.equal(code, 1);
  assert.equal(status, "error");
  assert.match(find(/agents\/wrong\/agent\.yaml:2:1: .*modle/)?.message ?? "", /model/);
  assert.equal(find(/^keyless: anthropic/)?.status, "error");
  assert.match(find(/^keyless: anthropic/)?.remedy ?? "", /duragent login anthropic/);
  assert.match(find(/^later: /)?.message ?? "", /later/);
  assert.equal(find(/tracing.*later version/)?.status, "warn");
  assert.equal(find(/api_token has fewer/)?.status, "warn");
  assert.equal(find(/^flushed/)?.status, "warn");
  assert.equal(find(/mode 0755/)?.status, "warn");
  assert.equal(find(new RegExp(`${session}: session-corrupt`))?.status, "error");

  const fixed = await doctor(folder, "--fix");
  assert.match(fixed.find(/mode 0755 is now 0700/)?.status ?? "", /ok/);
  assert.equal((await stat(dataDir)).mode & 0o777, 0o700);
});

test("a configuration that can not be read is the only finding", async (t) => {
  const { folder } = await workspace(t);
  await appendFile(join(folder, "duragent.yaml"), "server: { port: many }\n");
  const { code, find } = await doctor(folder);
  assert.equal(code, 1);
  assert.match(find(/duragent\.yaml:1:\d+: server\.port/)?.message ?? "", /number/);
});

test("session verify names a damaged line; repair says what it would do, and does it with --yes", async (t) => {
  const { folder, dataDir } = await workspace(t);
  await duragent(["run", "-a", "echo", "hello"], { cwd: folder });
  const [session = ""] = (await readdir(join(dataDir, "sessions"))).filter((name) => name.startsWith("session_"));
  await duragent(["serve", "stop"], { cwd: folder });
  const log = join(dataDir, "sessions", session, "events.jsonl");
  const damaged = (await readFile(log, "utf8")).replace('"hello"', '"hallo"');
  await writeFile(log, damaged);

  const verified = await duragent(["session", "verify"], { cwd: folder });
  assert.equal(verified.code, 1);
  assert.match(verified.stdout, /events\.jsonl:2: /);
  const planned = await duragent(["session", "repair", session], { cwd: folder });
  assert.match(planned.stdout, /would: .*\nNothing was changed; --yes does it/);
  assert.equal(await readFile(log, "utf8"), damaged);
  const repaired = await duragent(["session", "repair", session, "--yes"], { cwd: folder });
  assert.match(repaired.stdout, /done: /);
  assert.equal((await duragent(["session", "verify", session], { cwd: folder })).code, 0);
});
