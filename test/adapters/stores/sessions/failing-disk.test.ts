import assert from "node:assert/strict";
import { test } from "node:test";

import type { SessionStore } from "../../../../src/ports/session-store.ts";
import type { SessionId } from "../../../../src/schema/ids.ts";
import { FailingDisk } from "../../../support/failing-disk.ts";
import { SimulatedDisk } from "../../../support/simulated-disk.ts";
import { logPath, openFiles, readAll, say, storedSession, testClock } from "../../../support/stored-session.ts";
import { message, newSessionId, started } from "../../../suites/session-store.ts";

const log = /events\.jsonl$/;

async function prepared() {
  const under = new SimulatedDisk();
  const disk = new FailingDisk(under);
  const store = await openFiles(disk);
  const id = await storedSession(store, ["one"]);
  return { under, disk, store, id, before: await readAll(store, id), bytes: under.peek(logPath(id)) };
}

/** Several appends made at once; every one must be told what happened. */
function sayAtOnce(store: SessionStore, id: SessionId, texts: string[]) {
  return Promise.allSettled(
    texts.map(async (text) => {
      const appended = await store.append(id, testClock.ulid(), [message(testClock, text)], {});
      if (appended.kind === "unavailable") throw appended.error;
      assert.ok(appended.kind === "appended");
      await appended.durable;
    }),
  );
}

function codes(results: PromiseSettledResult<void>[]): unknown[] {
  return results.map((result) => (result.status === "rejected" ? result.reason.code : "fine"));
}

test("a write that fails or is short leaves the log as it was, tells every waiter, and the next append works", async () => {
  for (const [fault, code] of [
    [{ code: "EIO" }, "storage-failed"],
    [{ code: "ENOSPC" }, "storage-full"],
    [{ shortBytes: 10 }, "storage-full"],
  ] as const) {
    const { under, disk, store, id, before, bytes } = await prepared();
    disk.fail({ operation: "write", path: log, ...fault });
    assert.deepEqual(codes(await sayAtOnce(store, id, ["two", "three"])), [code, code]);
    assert.deepEqual(under.peek(logPath(id)), bytes);
    assert.deepEqual(await readAll(store, id), before);
    assert.equal((await store.health()).ok, true);
    assert.equal((await say(store, id, "four")).seq, 3);
    assert.equal((await readAll(store, id)).length, 3);
  }
});

test("while the disk is full the store says so, and works again once there is room", async () => {
  const { disk, store, id } = await prepared();
  disk.fail({ operation: "write", path: log, code: "ENOSPC", times: 1000 });
  disk.fail({ operation: "replace", path: /\.probe$/, code: "ENOSPC", times: 1 });
  assert.deepEqual(codes(await sayAtOnce(store, id, ["two"])), ["storage-full"]);
  const { ok, detail } = await store.health();
  assert.equal(ok, false);
  assert.match(detail ?? "", /ENOSPC.*free some space/);
  const fresh = newSessionId();
  const made = await store.create(fresh, [started(fresh, testClock)]);
  assert.ok(made.kind === "created");
  await assert.rejects(made.durable, { code: "storage-full" });
  assert.equal((await store.list({ limit: 10 })).length, 1);
  disk.mend();
  await say(store, id, "two");
  const again = await store.create(fresh, [started(fresh, testClock)]);
  assert.ok(again.kind === "created");
  await again.durable;
});

test("after a failed sync nothing is acknowledged, no second sync is tried, and the end is cut and kept aside", async () => {
  const { under, disk, store, id, before, bytes } = await prepared();
  disk.fail({ operation: "sync", path: log, code: "EIO" });
  const syncs = disk.count("sync", log);
  assert.deepEqual(codes(await sayAtOnce(store, id, ["two", "three"])), ["storage-failed", "storage-failed"]);
  assert.deepEqual(codes(await sayAtOnce(store, id, ["four"])), ["storage-failed"]);
  assert.equal(disk.count("sync", log), syncs + 1);
  assert.deepEqual(under.peek(logPath(id)), bytes);
  const torn = String(under.peek(`/data/sessions/${id}/events.torn`));
  assert.deepEqual(
    torn
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line).content),
    ["two", "three"],
  );
  assert.deepEqual(await readAll(store, id), before, "reads go on");
  assert.equal((await store.list({ limit: 1 }))[0]?.problem?.code, "storage-failed");

  const opened = await store.open(id);
  assert.equal(opened.problem, undefined);
  assert.deepEqual(opened.events, before);
  assert.equal((await say(store, id, "five")).seq, 3);
});

test("when not even the cut works, the session stays closed to appends until it is opened again", async () => {
  for (const operation of ["write", "sync"] as const) {
    const { disk, store, id, before } = await prepared();
    disk.fail({ operation, path: log, code: "EIO" });
    disk.fail({ operation: "truncate", path: log, code: "EIO" });
    const [result] = await sayAtOnce(store, id, ["two"]);
    assert.equal(result?.status === "rejected" && result.reason.facts.outcome, "unknown");
    assert.deepEqual(codes(await sayAtOnce(store, id, ["three"])), ["storage-failed"]);
    const { events } = await store.open(id);
    assert.deepEqual(events.slice(0, 2), before);
    await say(store, id, "four");
  }
});

test("a log that another program wrote to is not written to before it has been examined", async () => {
  const { under, store, id } = await prepared();
  const foreign = Buffer.from(
    '{"seq":3,"timestamp":"2026-11-21T12:00:00Z","type":"user_message","content":"foreign"}\n',
  );
  under.tamper(logPath(id), (bytes) => Buffer.concat([bytes, foreign]));
  const bytes = under.peek(logPath(id));
  assert.deepEqual(codes(await sayAtOnce(store, id, ["two"])), ["session-corrupt"]);
  assert.deepEqual(codes(await sayAtOnce(store, id, ["three"])), ["session-corrupt"]);
  assert.deepEqual(under.peek(logPath(id)), bytes);
});

test("a new session whose folder can not be synced is not acknowledged", async () => {
  const { disk, store } = await prepared();
  disk.fail({ operation: "syncFolder", code: "EIO" });
  const id = newSessionId();
  const made = await store.create(id, [started(id, testClock)]);
  assert.ok(made.kind === "created");
  await assert.rejects(made.durable, { code: "storage-failed" });
  await assert.rejects(store.open(id), { code: "session-not-found" });
});

test("a log that can not be made durable when it is opened is not shown", async () => {
  const { under, store, id } = await prepared();
  await store.shutdown();
  const disk = new FailingDisk(under);
  const again = await openFiles(disk);
  disk.fail({ operation: "sync", path: log, code: "EIO" });
  await assert.rejects(again.open(id), { code: "storage-failed" });
  assert.equal((await again.open(id)).events.length, 2);
});

test("appends made in one turn of the event loop share a write and a sync, and so do those made during a sync", async () => {
  const { disk, store, id } = await prepared();
  const before = { writes: disk.count("write", log), syncs: disk.count("sync", log) };
  await sayAtOnce(store, id, ["two", "three", "four"]);
  assert.equal(disk.count("write", log) - before.writes, 1);
  assert.equal(disk.count("sync", log) - before.syncs, 1);
});

test("under flushed nothing is synced before a snapshot or the end", async () => {
  const under = new SimulatedDisk();
  const disk = new FailingDisk(under);
  const store = await openFiles(disk, "flushed");
  const id = await storedSession(store, ["one", "two"]);
  assert.equal(disk.count("sync", log), 0);
  await store.saveSnapshot(null, id, { version: "v", seq: 3, contextSeq: 1, state: null });
  assert.equal(disk.count("sync", log), 1);
  await say(store, id, "three");
  await store.shutdown();
  assert.equal(disk.count("sync", log), 2);
});
