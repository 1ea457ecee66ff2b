import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";

import { duragent, serverPid, startProgram } from "../support/program.ts";
import { workspace } from "./workspaces.ts";

const stopped = /\(the server was stopped; waiting for it\. A message starts one; ctrl-d leaves\)/;

test("a chat lets the server that was stopped be, takes the next one, and starts one itself for a message only", async (t) => {
  const { folder, dataDir } = await workspace(t);
  const chat = startProgram(t, ["chat"], { cwd: folder });
  chat.child.stdin?.write("one\n");
  await chat.shows(/heard: one\n/);
  assert.equal((await duragent(["serve", "stop"], { cwd: folder })).code, 0);
  await chat.shows(stopped);

  const served = startProgram(t, ["serve", "--port", "0"], { cwd: folder });
  await served.shows(/listens on/);
  await chat.shows(/connected again/);
  chat.child.stdin?.write("two\n");
  await chat.shows(/heard: two\n/);
  served.child.kill("SIGTERM");
  assert.equal(await served.exit, 0);
  await chat.shows(new RegExp(`${stopped.source}[^]*${stopped.source}`));
  assert.equal(await serverPid(dataDir), null);

  chat.child.stdin?.end("three\n");
  await chat.shows(/heard: three\n/);
  assert.notEqual(await serverPid(dataDir), null);
  assert.equal(await chat.exit, 0, chat.stderr);
});

test("a run whose server is stopped says how to come back to its turn, and starts nothing", async (t) => {
  const { folder, dataDir } = await workspace(t, {
    "slow/agent.yaml": "name: slow\nmodel: { provider: scripted, name: ./script.yaml }\n",
    "slow/script.yaml": `rules: [{ when: '.*', say: '${"word ".repeat(2_000)}' }]\ndelay: { first_token_ms: 0, per_token_ms: 20 }\n`,
  });
  const run = startProgram(t, ["run", "-a", "slow", "long"], { cwd: folder, stdin: "" });
  await run.shows(/word word/);
  const pid = await serverPid(dataDir);
  assert.ok(pid !== null, join(dataDir, "server.json"));
  process.kill(pid, "SIGTERM");
  assert.equal(await run.exit, 69, run.stderr);
  assert.match(run.stderr, /stopped before the turn had ended\nhint: .*duragent attach session_/);
});
