import assert from "node:assert/strict";
import { test } from "node:test";

import type { SessionId } from "../../../../src/schema/ids.ts";
import type { SessionEvent } from "../../../../src/schema/session-event.ts";
import { SimulatedDisk } from "../../../support/simulated-disk.ts";
import { logPath, openFiles, readAll, say, storedSession } from "../../../support/stored-session.ts";

const records = {
  "of 200 bytes": "short",
  "of 4 KiB": "x".repeat(4096),
  "of many-byte characters": "Grüße, 世界 🌍".repeat(10),
};

type Prepared = { bytes: Buffer; id: SessionId; events: SessionEvent[]; lastStart: number };

async function prepare(text: string): Promise<Prepared> {
  const disk = new SimulatedDisk();
  const store = await openFiles(disk);
  const id = await storedSession(store, ["one", "two", text]);
  const events = await readAll(store, id);
  await store.shutdown();
  const bytes = disk.peek(logPath(id));
  assert.ok(bytes);
  return { bytes, id, events, lastStart: bytes.lastIndexOf("\n", bytes.length - 2) + 1 };
}

/** Opens logs with other bytes; the events before the last one must be there, and the next append must be readable. */
async function reopener({ id, events }: Prepared) {
  const disk = await diskWith(id);
  const store = await openFiles(disk);
  return async (bytes: Buffer, expectTorn: Buffer): Promise<void> => {
    await store.close(id);
    disk.tamper(logPath(id), () => bytes);
    await disk.remove(tornPath(id));
    const opened = await store.open(id);
    assert.equal(opened.problem, undefined);
    const kept = opened.events.filter((event) => event.type !== "error");
    assert.deepEqual(kept, events.slice(0, kept.length));
    assert.ok(kept.length >= events.length - 1);
    const next = await say(store, id, "next");
    await store.close(id);
    assert.deepEqual((await store.open(id)).events, [...opened.events, next]);
    if (expectTorn.length > 0) assert.deepEqual(disk.peek(tornPath(id)), expectTorn);
  };
}

const tornPath = (id: SessionId) => `/data/sessions/${id}/events.torn`;

async function diskWith(id: SessionId, bytes: Buffer = Buffer.from("{")): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  await disk.makeFolder(`/data/sessions/${id}`);
  await (await disk.open(logPath(id), "create")).close();
  disk.tamper(logPath(id), () => bytes);
  return disk;
}

for (const [name, text] of Object.entries(records)) {
  test(`a log cut at every byte of a last record ${name} loses nothing else and takes the next append`, async () => {
    const prepared = await prepare(text);
    const { bytes, lastStart } = prepared;
    const reopen = await reopener(prepared);
    for (let length = lastStart; length < bytes.length; length += 1) {
      await reopen(bytes.subarray(0, length), bytes.subarray(lastStart, length));
    }
  });
}

test("a log cut within a last record of 64 KiB loses nothing else and takes the next append", async () => {
  const prepared = await prepare("y".repeat(65_536));
  const { bytes, lastStart } = prepared;
  const reopen = await reopener(prepared);
  // Every byte near both ends and around the places where reading changes its step; the rest is the same byte 60,000 times.
  const lengths = new Set<number>();
  for (let near = 0; near < 300; near += 1) lengths.add(lastStart + near).add(bytes.length - 1 - near);
  for (const edge of [16_384, 65_536]) for (let near = -3; near <= 3; near += 1) lengths.add(edge + near);
  for (let length = lastStart; length < bytes.length; length += 997) lengths.add(length);
  for (const length of lengths) {
    if (length >= lastStart && length < bytes.length) {
      await reopen(bytes.subarray(0, length), bytes.subarray(lastStart, length));
    }
  }
});

test("a last record that came back as zeros, noise or old bytes is put aside", async () => {
  const prepared = await prepare("z".repeat(700));
  const { bytes, lastStart } = prepared;
  const length = bytes.length - lastStart;
  const reopen = await reopener(prepared);
  const noise = Buffer.from(Array.from({ length }, (_, n) => (n * 7919 + 13) % 256));
  const old = Buffer.concat([bytes, bytes]).subarray(37, 37 + length);
  for (const replacement of [Buffer.alloc(length), noise, old]) {
    for (const from of [0, 1, 100, length - 20]) {
      const torn = Buffer.concat([bytes.subarray(lastStart, lastStart + from), replacement.subarray(from)]);
      await reopen(Buffer.concat([bytes.subarray(0, lastStart), torn]), Buffer.alloc(0));
    }
  }
});

test("whole lines of a torn write are recorded in the log", async () => {
  const { bytes, id, lastStart, events } = await prepare("a");
  const store = await openFiles(
    await diskWith(id, Buffer.concat([bytes.subarray(0, lastStart), Buffer.from("garbage\nmore")])),
  );
  const { events: opened } = await store.open(id);
  const last = opened.at(-1);
  assert.ok(last?.type === "error");
  assert.equal(last.code, "torn-write");
  assert.match(last.message, /12 bytes/);
  assert.equal(last.seq, events.length);
  assert.deepEqual(await readAll(store, id), opened);
});

test("a log of which nothing was ever acknowledged is no session", async () => {
  const { bytes, id } = await prepare("a");
  const store = await openFiles(await diskWith(id, bytes.subarray(0, 40)));
  await assert.rejects(store.open(id), { code: "session-not-found" });
  assert.deepEqual(await store.list({ limit: 10 }), []);
});
