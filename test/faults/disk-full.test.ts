import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, open, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { ask } from "../support/http-harness.ts";
import { scriptedAgent, ServerProcess } from "../support/server-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const missing = mountsMissing();
/** More than what the last page of a file may still hold. */
const content = "x".repeat(16_384);

test("a full disk is 507, nothing of what was refused stays, and it works again once there is room", async (t) => {
  if (missing !== null) {
    t.diagnostic(`NOT RUN: no disk could be filled: ${missing}`);
    return;
  }
  const folder = await temporaryFolder(t);
  const data = join(folder, "data");
  await mkdir(data);
  const mountAndRun = `mount -t tmpfs -o size=2m,mode=0700 tmpfs "$0" && exec "$@"`;
  const wrapper = ["unshare", "--mount", "sh", "-c", mountAndRun, data];
  const server = await ServerProcess.start(t, { folder, files: scriptedAgent("echo", { say: "yes" }), wrapper });
  // The server's own view of the disk: no other process sees this mount.
  const inside = (path: string): string => join(`/proc/${server.life.pid}/root`, path);
  const filler = inside(join(data, "filler"));

  const made = await ask(server.place, { path: "/api/v1/sessions", json: { agent: "echo" } });
  const sessionId = String(made.json.session_id);
  const path = `/api/v1/sessions/${sessionId}`;
  const say = (key: string) =>
    ask(server.place, { path: `${path}/messages`, json: { content }, headers: { "idempotency-key": key } });
  assert.equal((await say("first")).status, 200);
  const events = () => ask(server.place, { path: `${path}/events`, headers: { accept: "application/json" } });
  const before = { file: await readFile(inside(server.logPath(sessionId))), events: (await events()).json.events };

  await fill(filler);
  for (const attempt of [1, 2]) {
    const refused = await say("second");
    assert.equal(refused.status, 507, `attempt ${attempt}: ${refused.text}`);
    assert.equal(refused.json.type, "urn:duragent:problem:storage-full");
    assert.match(refused.headers["content-type"] ?? "", /problem\+json/);
  }
  const file = await readFile(inside(server.logPath(sessionId)));
  assert.ok(file.equals(before.file), "the log has been cut back");
  assert.deepEqual((await events()).json.events, before.events, "reading goes on");

  await rm(filler);
  const answered = await say("second");
  assert.equal(answered.status, 200, answered.text);
  assert.equal((await ask(server.place, { path: "/readyz" })).status, 200);
  const after = (await events()).json.events;
  assert.deepEqual(
    after.map((event: { seq: number }) => event.seq),
    after.map((_: unknown, index: number) => index + 1),
  );
  const sent = after.filter((event: { type: string }) => event.type === "user_message");
  assert.equal(sent.length, 2, "what was refused twice is there once");
});

/** Writes zeros until nothing more fits. */
async function fill(path: string): Promise<void> {
  await using file = await open(path, "wx");
  const block = Buffer.alloc(4096);
  for (;;) {
    try {
      await file.write(block);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "ENOSPC") return;
      throw error;
    }
  }
}

function mountsMissing(): string | null {
  if (process.platform !== "linux") return "it needs Linux";
  const tried = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]);
  if (tried.error) return tried.error.message;
  return tried.status === 0 ? null : tried.stderr.toString().trim();
}
