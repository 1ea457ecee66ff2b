import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { parseSnapshot, snapshotBytes } from "../../../../src/adapters/stores/sessions/files/snapshot-file.ts";
import { seedOf } from "../../../../src/adapters/stores/sessions/files/line.ts";
import { FailingDisk } from "../../../support/failing-disk.ts";
import { SimulatedDisk } from "../../../support/simulated-disk.ts";
import { openFiles, readAll, say, storedSession, testClock } from "../../../support/stored-session.ts";
import { message } from "../../../suites/session-store.ts";

const snapshotPath = (id: string) => `/data/sessions/${id}/state.yaml`;
const texts = Array.from({ length: 9 }, (_, n) => `message ${n}`);

async function withSnapshot() {
  const disk = new SimulatedDisk();
  const store = await openFiles(disk);
  const id = await storedSession(store, texts);
  await store.saveSnapshot(null, id, { version: "v", seq: 8, contextSeq: 5, state: { folded: 8 } });
  const events = await readAll(store, id);
  await store.shutdown();
  return { disk, id, events };
}

test("state from a snapshot and what follows it is state from the whole log, wherever the snapshot was taken", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 10 }), fc.integer({ min: 1, max: 11 }), async (seq, context) => {
      const disk = new SimulatedDisk();
      const store = await openFiles(disk);
      const id = await storedSession(store, texts);
      const contextSeq = Math.min(context, seq + 1);
      await store.saveSnapshot(null, id, { version: "v", seq, contextSeq, state: null });
      const events = await readAll(store, id);
      await store.shutdown();
      const opened = await (await openFiles(disk)).open(id);
      assert.equal(opened.snapshot?.seq, seq);
      assert.deepEqual(opened.events, events.slice(contextSeq - 1));
      assert.equal(opened.head, 10);
    }),
    { numRuns: 60 },
  );
});

test("deleting a snapshot changes nothing but how much is read", async () => {
  const { disk, id, events } = await withSnapshot();
  await disk.remove(snapshotPath(id));
  const { snapshot, events: opened } = await (await openFiles(disk)).open(id);
  assert.equal(snapshot, null);
  assert.deepEqual(opened, events);
});

test("a snapshot with any byte flipped is not used", async () => {
  const { disk, id, events } = await withSnapshot();
  const whole = disk.peek(snapshotPath(id)) ?? Buffer.alloc(0);
  const store = await openFiles(disk);
  for (let at = 0; at < whole.length; at += 1) {
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    disk.tamper(snapshotPath(id), () => bytes);
    await store.close(id);
    const { snapshot, events: opened, problem } = await store.open(id);
    assert.equal(snapshot, null, `byte ${at}`);
    assert.equal(problem, undefined);
    assert.deepEqual(opened, events);
  }
});

test("a snapshot that does not meet its log line by line is not used", async () => {
  const { disk, id, events } = await withSnapshot();
  const parsed = parseSnapshot(disk.peek(snapshotPath(id)) ?? Buffer.alloc(0), seedOf(id));
  assert.ok(parsed);
  for (const wrong of [
    { line_crc: "00000000" },
    { line_offset: parsed.line_offset + 1 },
    { seq: 7 },
    { line_end: parsed.line_end - 1 },
  ]) {
    disk.tamper(snapshotPath(id), () => Buffer.from(snapshotBytes({ ...parsed, ...wrong }, seedOf(id))));
    const { snapshot, events: opened, problem } = await (await openFiles(disk)).open(id);
    assert.equal(snapshot, null, JSON.stringify(wrong));
    assert.equal(problem, undefined);
    assert.deepEqual(opened, events);
  }
});

test("a snapshot of another session is not used", async () => {
  const [one, other] = [await withSnapshot(), await withSnapshot()];
  const foreign = other.disk.peek(snapshotPath(other.id)) ?? Buffer.alloc(0);
  one.disk.tamper(snapshotPath(one.id), () => foreign);
  assert.equal((await (await openFiles(one.disk)).open(one.id)).snapshot, null);
});

test("a log that its snapshot covers is not opened at the start, and not written when it is", async () => {
  const disk = new SimulatedDisk();
  const store = await openFiles(disk);
  const id = await storedSession(store, texts);
  await store.saveSnapshot(null, id, { version: "v", seq: 10, contextSeq: 9, state: {} });
  await store.shutdown();
  const watched = new FailingDisk(disk);
  const again = await openFiles(watched);
  assert.equal((await again.list({ limit: 10 }))[0]?.head, 10);
  assert.equal(watched.count("open", /events\.jsonl$/), 0);
  assert.equal((await again.open(id)).events.length, 2);
  assert.equal(watched.count("write", /events\.jsonl$/) + watched.count("sync", /events\.jsonl$/), 0);
});

test("idempotency keys outlive the part of the log that a snapshot spares", async () => {
  const disk = new SimulatedDisk();
  const store = await openFiles(disk);
  const id = await storedSession(store, []);
  const first = await store.append(id, "1", [message(testClock, "once", "key")], { idempotencyKey: "key" });
  assert.ok(first.kind === "appended");
  await first.durable;
  for (const text of texts) await say(store, id, text);
  await store.saveSnapshot(null, id, { version: "v", seq: 11, contextSeq: 11, state: null });
  await store.shutdown();
  const again = await openFiles(disk);
  const second = await again.append(id, "2", [message(testClock, "twice", "key")], { idempotencyKey: "key" });
  assert.ok(second.kind === "duplicate");
  assert.deepEqual(second.event, first.events[0]);
});

test("when a session wants to run next is known after a restart without opening it", async () => {
  const disk = new SimulatedDisk();
  const store = await openFiles(disk);
  const [due, later, busy] = [
    await storedSession(store, []),
    await storedSession(store, []),
    await storedSession(store, []),
  ];
  for (const [id, wakeAt] of [
    [due, testClock.now() - 1],
    [later, testClock.now() + 3_600_000],
  ] as const) {
    const lease = await store.acquire(id, "worker");
    assert.ok(!("kind" in lease));
    assert.equal(await store.release(lease, { head: 1, wake: store.wake(lease) }, wakeAt), true);
    await store.saveSnapshot(null, id, { version: "v", seq: 1, contextSeq: 1, state: null });
  }
  await store.acquire(busy, "worker");
  await store.saveSnapshot(null, busy, { version: "v", seq: 1, contextSeq: 1, state: null });
  const again = await openFiles(disk);
  assert.deepEqual((await again.claim("worker", 10)).toSorted(), [due, busy].toSorted());
});
