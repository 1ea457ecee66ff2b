import assert from "node:assert/strict";
import { test } from "node:test";

import { duragent, startProgram } from "../support/program.ts";
import { workspace } from "./workspaces.ts";

test("a second server on a data directory exits 75 and names the first; after kill -9 the next one starts", async (t) => {
  const { folder } = await workspace(t);
  const first = startProgram(t, ["serve", "--port", "0"], { cwd: folder });
  await first.shows(/listens on http/);

  const second = await duragent(["serve", "--port", "0"], { cwd: folder });
  assert.equal(second.code, 75);
  assert.match(
    second.stderr,
    new RegExp(`^error: process ${first.pid} at http://127\\.0\\.0\\.1:\\d+ holds .*\\.duragent`),
  );

  first.child.kill("SIGKILL");
  await first.exit;
  const third = startProgram(t, ["serve", "--port", "0"], { cwd: folder });
  await third.shows(/listens on http/);
  third.child.kill("SIGTERM");
  assert.equal(await third.exit, 0);
});

test("a first server that hangs still holds the directory", async (t) => {
  const { folder } = await workspace(t);
  const first = startProgram(t, ["serve", "--port", "0"], { cwd: folder });
  await first.shows(/listens on http/);
  first.child.kill("SIGSTOP");
  const second = await duragent(["serve", "--port", "0"], { cwd: folder });
  assert.equal(second.code, 75);
  assert.match(second.stderr, new RegExp(`process ${first.pid} `));
  first.child.kill("SIGCONT");
});

test("a port that is taken is named, with another to try", async (t) => {
  const { folder } = await workspace(t);
  const first = startProgram(t, ["serve", "--port", "0"], { cwd: folder });
  const [, port = ""] = await first.shows(/127\.0\.0\.1:(\d+)/);
  const other = await workspace(t);
  const { code, stderr } = await duragent(["serve", "--port", port], { cwd: other.folder });
  assert.equal(code, 69);
  assert.match(
    stderr,
    /error: can not listen on http:\/\/127\.0\.0\.1:\d+: another program listens there\nhint: choose another port/,
  );
});
