import assert from "node:assert/strict";
import { test } from "node:test";

import type { SessionStore } from "../../../../src/ports/session-store.ts";
import type { SessionId } from "../../../../src/schema/ids.ts";
import type { SessionEvent } from "../../../../src/schema/session-event.ts";
import { SimulatedDisk } from "../../../support/simulated-disk.ts";
import { logPath, openFiles, readAll, say, storedSession, testClock } from "../../../support/stored-session.ts";
import { message } from "../../../suites/session-store.ts";

type Damaged = { disk: SimulatedDisk; store: SessionStore; id: SessionId; events: SessionEvent[] };

const texts = Array.from({ length: 22 }, (_, n) => `message ${n}`);

async function damage(change: (lines: string[]) => string[] | Buffer): Promise<Damaged> {
  const disk = new SimulatedDisk();
  const before = await openFiles(disk);
  const id = await storedSession(before, texts);
  const events = await readAll(before, id);
  await before.shutdown();
  disk.tamper(logPath(id), (bytes) => {
    const changed = change(bytes.toString().trimEnd().split("\n"));
    return Buffer.isBuffer(changed) ? changed : Buffer.from(`${changed.join("\n")}\n`);
  });
  return { disk, store: await openFiles(disk), id, events };
}

/** The session opens read-only with its good prefix, the problem names file and line, and not a byte of the file changes. */
async function isReported({ disk, store, id, events }: Damaged, line: number, goodEvents: number): Promise<void> {
  const bytes = disk.peek(logPath(id));
  const opened = await store.open(id);
  assert.equal(opened.problem?.code, "session-corrupt");
  assert.match(opened.problem.detail, new RegExp(`${id}/events\\.jsonl line ${line}: `));
  assert.deepEqual(opened.events, events.slice(0, goodEvents));
  assert.deepEqual(await readAll(store, id), events.slice(0, goodEvents));
  const appended = await store.append(id, testClock.ulid(), [message(testClock, "no")], {});
  assert.equal(appended.kind === "unavailable" && appended.error.code, "session-corrupt");
  await assert.rejects(store.acquire(id, "worker"), { code: "session-corrupt" });
  assert.equal((await store.list({ limit: 10 })).find((one) => one.sessionId === id)?.problem?.code, "session-corrupt");
  assert.ok((await store.verify(id)).problems.length > 0);
  await store.close(id);
  assert.deepEqual(disk.peek(logPath(id)), bytes);
}

test("a flipped bit in any of 20 middle records is reported, and other sessions go on", async () => {
  for (let line = 2; line <= 21; line += 1) {
    const damaged = await damage((lines) => {
      const at = line - 1;
      const text = Buffer.from(lines[at] ?? "");
      const byte = (line * 31) % text.length;
      text[byte] = (text[byte] ?? 0) ^ (1 << (line % 8));
      return Buffer.concat([
        Buffer.from(`${lines.slice(0, at).join("\n")}\n`),
        text,
        Buffer.from(`\n${lines.slice(at + 1).join("\n")}\n`),
      ]);
    });
    await isReported(damaged, line, line - 1);
    const other = await storedSession(damaged.store, ["fine"]);
    await say(damaged.store, other, "still fine");
  }
});

test("every single flipped byte before the last write is reported", async () => {
  const disk = new SimulatedDisk();
  const store = await openFiles(disk);
  const id = await storedSession(store, ["a", "b", "c"]);
  await store.shutdown();
  const whole = disk.peek(logPath(id)) ?? Buffer.alloc(0);
  const lastWrite = whole.lastIndexOf("\n", whole.length - 2) + 1;
  const again = await openFiles(disk);
  for (let at = 0; at < lastWrite; at += 1) {
    for (const bit of [1, 32, 128]) {
      disk.tamper(logPath(id), () => {
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ bit;
        return bytes;
      });
      await again.close(id);
      const { problem } = await again.open(id);
      assert.equal(problem?.code, "session-corrupt", `byte ${at}, bit ${bit}`);
    }
  }
});

test("a deleted line is reported", async () => isReported(await damage((lines) => lines.toSpliced(9, 1)), 10, 9));

test("a duplicated line is reported", async () =>
  isReported(await damage((lines) => lines.toSpliced(9, 0, lines[8] ?? "")), 10, 9));

test("swapped lines are reported", async () =>
  isReported(
    await damage((lines) => [...lines.slice(0, 9), lines[10] ?? "", lines[9] ?? "", ...lines.slice(11)]),
    10,
    9,
  ));

test("a line of another session's log is reported", async () => {
  const foreign = await damage((lines) => lines);
  const line = String(foreign.disk.peek(logPath(foreign.id))).split("\n")[9] ?? "";
  await isReported(await damage((lines) => lines.with(9, line)), 10, 9);
});

test("an edit that keeps a line readable is reported, and accepted when it is sealed again", async () => {
  const damaged = await damage((lines) => lines.with(9, (lines[9] ?? "").replace("message 8", "edited")));
  await isReported(damaged, 10, 9);
  const { store, id, events } = damaged;
  const shown = await store.repair(id, { apply: false, reseal: true });
  assert.deepEqual([shown.applied, shown.actions.length], [false, 1]);
  const done = await store.repair(id, { apply: true, reseal: true });
  assert.equal(done.applied, true);
  assert.deepEqual(done.problems, []);
  const repaired = await readAll(store, id);
  assert.deepEqual(repaired[9], { ...events[9], content: "edited" });
  assert.deepEqual(repaired.toSpliced(9, 1), events.toSpliced(9, 1));
  await say(store, id, "goes on");
});

test("repair moves bad lines aside, keeps every other event and records what is lost", async () => {
  const damaged = await damage((lines) => lines.with(9, "not a line").toSpliced(14, 1));
  const { disk, store, id, events } = damaged;
  const report = await store.repair(id, { apply: true, reseal: false });
  assert.equal(report.applied, true);
  const repaired = await readAll(store, id);
  assert.deepEqual(
    repaired.map((event) => event.seq),
    events.map((event) => event.seq),
  );
  assert.deepEqual(
    repaired.filter((event) => event.type === "error").map((event) => event.seq),
    [10, 15],
  );
  assert.deepEqual(
    repaired.filter((event) => event.type !== "error"),
    events.filter((event) => ![10, 15].includes(event.seq)),
  );
  assert.equal(String(disk.peek(`/data/sessions/${id}/events.quarantine.jsonl`)), "not a line\n");
  await say(store, id, "goes on");
});

test("repair puts swapped lines back", async () => {
  const { store, id, events } = await damage((lines) => [
    ...lines.slice(0, 9),
    lines[10] ?? "",
    lines[9] ?? "",
    ...lines.slice(11),
  ]);
  await store.repair(id, { apply: true, reseal: false });
  assert.deepEqual(await readAll(store, id), events);
});

test("a log that is shorter than its snapshot is reported when synced, and recorded as lost when flushed", async () => {
  for (const durability of ["synced", "flushed"] as const) {
    const disk = new SimulatedDisk();
    const before = await openFiles(disk, durability);
    const id = await storedSession(before, texts);
    await before.saveSnapshot(null, id, { version: "v", seq: 23, contextSeq: 1, state: null });
    await before.shutdown();
    disk.tamper(logPath(id), (bytes) => bytes.subarray(0, bytes.lastIndexOf("\n", bytes.length - 2) + 1));
    const store = await openFiles(disk, durability);
    const { problem, events } = await store.open(id);
    if (durability === "synced")
      assert.match(problem?.detail ?? "", /line 23: the log ends at byte \d+, but its snapshot covers/);
    else {
      assert.equal(problem, undefined);
      const last = events.at(-1);
      assert.equal(last?.type === "error" && last.code, "events-lost");
      const next = await openFiles(disk, durability);
      assert.equal((await readAll(next, id)).length, events.length);
    }
  }
});

test("a bad line that a snapshot covers is never taken for a torn write", async () => {
  const disk = new SimulatedDisk();
  const before = await openFiles(disk);
  const id = await storedSession(before, texts);
  await before.saveSnapshot(null, id, { version: "v", seq: 23, contextSeq: 20, state: null });
  await before.shutdown();
  disk.tamper(logPath(id), (bytes) => {
    bytes[bytes.length - 30] = 0;
    return bytes;
  });
  const { problem } = await (await openFiles(disk)).open(id);
  assert.match(problem?.detail ?? "", /line 23: /);
});

test("an event of a newer version makes the session read-only, one that may be ignored does not", async () => {
  const { checkLine, sealLine, seedOf } = await import("../../../../src/adapters/stores/sessions/files/line.ts");
  for (const ignorable of [false, true]) {
    const disk = new SimulatedDisk();
    const before = await openFiles(disk);
    const id = await storedSession(before, ["one"]);
    await before.shutdown();
    const event = { seq: 3, timestamp: "2026-11-21T12:00:00.000Z", type: "dream", ...(ignorable && { ignorable }) };
    const { text } = sealLine(JSON.stringify(event).slice(0, -1), true, seedOf(id));
    assert.equal(checkLine(Buffer.from(text.trimEnd()), seedOf(id)).kind, "readable");
    disk.tamper(logPath(id), (bytes) => Buffer.concat([bytes, Buffer.from(text)]));
    const store = await openFiles(disk);
    const { problem, events } = await store.open(id);
    assert.equal(events.length, 2);
    assert.equal(problem?.code, ignorable ? undefined : "session-read-only");
    if (ignorable) assert.equal((await say(store, id, "next")).seq, 4);
    else assert.match(problem?.detail ?? "", /newer-format: .* line 3: the event type dream/);
  }
});
