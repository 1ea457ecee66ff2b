import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { nodeFileSystem as fs } from "../../../src/adapters/file-system/node.ts";
import { DirectoryLock, lockedMessage, readHolder } from "../../../src/adapters/stores/directory-lock.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const holder = { pid: 1, started_at: "2026-11-21T12:00:00.000Z", url: "http://127.0.0.1:8080", version: "1" };

const holdInAnotherProcess = `
  import { nodeFileSystem } from ${JSON.stringify(new URL("../../../src/adapters/file-system/node.ts", import.meta.url).href)};
  import { DirectoryLock } from ${JSON.stringify(new URL("../../../src/adapters/stores/directory-lock.ts", import.meta.url).href)};
  const result = await DirectoryLock.acquire(nodeFileSystem, process.argv[1]);
  if (result.kind === "acquired") await result.lock.announce({ ...${JSON.stringify(holder)}, pid: process.pid });
  console.log(result.kind);
  setInterval(() => {}, 1000);
`;

async function holdElsewhere(folder: string) {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", holdInAnotherProcess, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await once(child.stdout, "data");
  assert.equal(String(line).trim(), "acquired");
  return child;
}

test("a second server is refused and told who holds the directory, also while the first is stopped", async (t) => {
  const folder = await temporaryFolder(t);
  const first = await holdElsewhere(folder);
  for (const signal of ["SIGCONT", "SIGSTOP"] as const) {
    first.kill(signal);
    const second = await DirectoryLock.acquire(fs, folder);
    assert.equal(second.kind, "locked");
    assert.equal(second.kind === "locked" && second.by?.pid, first.pid);
  }
  first.kill("SIGKILL");
  await once(first, "exit");
});

test("a killed server's lock is free at once", async (t) => {
  const folder = await temporaryFolder(t);
  const first = await holdElsewhere(folder);
  first.kill("SIGKILL");
  await once(first, "exit");
  const second = await DirectoryLock.acquire(fs, folder);
  assert.ok(second.kind === "acquired");
  await second.lock.release();
});

test("release gives the lock back and removes server.json", async (t) => {
  const folder = await temporaryFolder(t);
  const first = await DirectoryLock.acquire(fs, folder);
  assert.ok(first.kind === "acquired");
  await first.lock.announce(holder);
  assert.deepEqual(await readHolder(fs, folder), holder);
  assert.equal((await DirectoryLock.acquire(fs, folder)).kind, "locked");
  await first.lock.release();
  assert.equal(await readHolder(fs, folder), null);
  const second = await DirectoryLock.acquire(fs, folder);
  assert.ok(second.kind === "acquired");
  await second.lock.release();
});

test("the lock's file can be read by its owner only", async (t) => {
  const folder = await temporaryFolder(t);
  const first = await DirectoryLock.acquire(fs, folder);
  assert.ok(first.kind === "acquired");
  assert.equal((await stat(join(folder, "server.lock"))).mode & 0o777, 0o600);
  await first.lock.release();
});

test("the words name the process, its address and what to do", () => {
  assert.match(
    lockedMessage("/data", holder),
    /process 1 at http:\/\/127\.0\.0\.1:8080 holds \/data since .*; stop it first/,
  );
  assert.match(lockedMessage("/data", null), /another process holds \/data/);
});
