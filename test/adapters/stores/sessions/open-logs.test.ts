import assert from "node:assert/strict";
import { readdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { nodeFileSystem as fs } from "../../../../src/adapters/file-system/node.ts";
import { FileSessionStore } from "../../../../src/adapters/stores/sessions/files/store.ts";
import type { SessionId } from "../../../../src/schema/ids.ts";
import { readAll, say, storedSession, testClock } from "../../../support/stored-session.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const openLogsMax = 4;

async function openLogs(folder: string): Promise<number> {
  const descriptors = await readdir("/proc/self/fd");
  const targets = await Promise.all(descriptors.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")));
  return targets.filter((target) => target.startsWith(folder) && target.endsWith("events.jsonl")).length;
}

for (const durability of ["synced", "flushed"] as const) {
  test(`no more descriptors than allowed stay open, also of sessions that are held, ${durability}`, async (t) => {
    const dataFolder = await temporaryFolder(t);
    const sessionsFolder = join(dataFolder, "sessions");
    const store = await FileSessionStore.open({
      dataFolder,
      sessionsFolder,
      fs,
      clock: testClock,
      durability,
      openLogsMax,
    });
    const ids: SessionId[] = [];
    for (let n = 0; n < 12; n += 1) ids.push(await storedSession(store, [`${n}`]));
    for (const id of ids.slice(0, 8)) await store.acquire(id, "worker");
    await Promise.all(ids.flatMap((id) => [say(store, id, "a"), say(store, id, "b"), readAll(store, id)]));
    // What has to go is synced and closed beside the work: it takes some turns of the event loop.
    let open = await openLogs(dataFolder);
    for (let turn = 0; open > openLogsMax && turn < 1000; turn += 1) open = await openLogs(dataFolder);
    assert.ok(open <= openLogsMax, `${open} are open`);
    for (const id of ids) assert.equal((await readAll(store, id)).length, 4);
    await store.shutdown();
    assert.equal(await openLogs(dataFolder), 0);
  });
}
