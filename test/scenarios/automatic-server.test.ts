import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { duragent, kill, serverPid, startProgram } from "../support/program.ts";
import { longAnswer, workspace } from "./workspaces.ts";

test("two commands that start at once end up with one server, and both are answered", async (t) => {
  const { folder, dataDir } = await workspace(t);
  const answers = await Promise.all([
    duragent(["run", "-a", "echo", "one"], { cwd: folder }),
    duragent(["run", "-a", "echo", "two"], { cwd: folder }),
  ]);
  assert.deepEqual(
    answers.map(({ code, stdout }) => ({ code, stdout })),
    [
      { code: 0, stdout: "heard: one\n" },
      { code: 0, stdout: "heard: two\n" },
    ],
  );
  const pid = await serverPid(dataDir);
  assert.ok(pid !== null);
  const status = await duragent(["serve", "status", "--json"], { cwd: folder });
  assert.equal(JSON.parse(status.stdout).status, "healthy");
  assert.equal((await stat(join(dataDir, "logs", "server.log"))).mode & 0o777, 0o600);
  assert.equal((await stat(join(dataDir, "server.sock"))).mode & 0o777, 0o600);

  assert.equal((await duragent(["serve", "stop"], { cwd: folder })).stdout, "Stopped.\n");
  assert.equal((await duragent(["serve", "status"], { cwd: folder })).code, 69);
});

test("a server that nobody uses stops by itself", async (t) => {
  const { folder, dataDir } = await workspace(t);
  const server = startProgram(t, ["serve", "--socket-only", "--ephemeral", "1"], { cwd: folder });
  await server.shows(/socket/);
  assert.equal(await server.exit, 0);
  assert.match(server.stderr, /nobody is here/);
  assert.equal(await serverPid(dataDir), null, "its record is gone");
});

test("a background server that is killed in the middle of an answer is started again, and the answer is whole", async (t) => {
  const { folder, dataDir } = await workspace(t);
  const run = startProgram(t, ["run", "-a", "echo", "long"], { cwd: folder, stdin: "" });
  await run.shows(/word5 /);
  const pid = await serverPid(dataDir);
  assert.ok(pid !== null);
  kill(pid);
  assert.equal(await run.exit, 0, run.stderr);
  assert.match(run.stderr, /connection lost/);
  assert.ok(run.stdout.endsWith(`${longAnswer}\n`), run.stdout);
  const { stdout } = await duragent(["session", "list", "--json"], { cwd: folder });
  const { sessions } = JSON.parse(stdout);
  const { stdout: log } = await duragent(["session", "export", sessions[0].session_id], { cwd: folder });
  const types = log
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).type);
  assert.deepEqual(
    types.filter((type) => type !== "status_change"),
    ["session_start", "user_message", "turn_start", "turn_resumed", "assistant_response", "turn_end"],
  );
});
