import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";

import { createSystemClock } from "../../src/adapters/clock/system.ts";
import { nodeFileSystem } from "../../src/adapters/file-system/node.ts";
import { FileSessionStore } from "../../src/adapters/stores/sessions/files/store.ts";
import type { Clock } from "../../src/ports/clock.ts";
import { FailingDisk } from "../support/failing-disk.ts";
import { gate } from "../support/fake-model.ts";
import { harness, newSession, typesOf } from "../support/runtime-harness.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { createVirtualClock, type VirtualClock } from "../support/virtual-clock.ts";
import { until } from "../support/until.ts";

/** Enough for what is no more than some work of this process and its disk. */
const quickTurns = 10_000;
const pauseMs = 2;
const patient = { timeoutMs: 1_000_000_000, signal: new AbortController().signal };
const message = { source: "http", mayDecide: true };

async function onFailingDisk(t: TestContext, clock: Clock = createSystemClock(), folder = "") {
  folder ||= await temporaryFolder(t);
  const disk = new FailingDisk(nodeFileSystem);
  const store = await FileSessionStore.open({
    sessionsFolder: `${folder}/sessions`,
    dataFolder: folder,
    durability: "synced",
    clock,
    fs: disk,
  });
  return { disk, store, folder, running: harness({ store, clock }) };
}

/** Time passes for the test, and real input and output happen, until the promise has its value. */
async function meanwhile<Value>(clock: VirtualClock, value: Promise<Value>): Promise<Value> {
  let over = false;
  const end = (): void => void (over = true);
  value.then(end, end);
  for (let turn = 0; !over; turn += 1) {
    assert.ok(turn < 20_000, "it did not come to that");
    clock.advance(100);
    // Turns pass in an instant, and a disk may take longer.
    await (turn < quickTurns ? nextTurn() : pause(pauseMs));
  }
  return value;
}

test("a turn whose record could not be synced goes on once the disk works again", async (t) => {
  const clock = createVirtualClock();
  const { disk, running } = await onFailingDisk(t, clock);
  const id = await newSession(running, "continue");
  const held = gate();
  running.model.reply({ text: ["half"], hold: held.opened });
  const holding = running.model.holding();
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await holding;
  disk.fail({ operation: "sync", path: /events\.jsonl$/, code: "EIO" });
  held.open();
  const answered = running.sessions.answer(id, sent.messageId, patient);
  const answer = await meanwhile(clock, answered);
  assert.equal(answer.kind === "ended" && answer.content, "echo: go");
});

test("a message that finds the disk full stops nothing for good: the running turn is made again", async (t) => {
  const clock = createVirtualClock();
  const { disk, running } = await onFailingDisk(t, clock);
  const id = await newSession(running, "continue");
  running.model.reply({ text: ["half"], hold: gate().opened });
  const holding = running.model.holding();
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await holding;
  disk.fail({ operation: "write", path: /events\.jsonl$/, code: "ENOSPC" });
  await assert.rejects(running.sessions.send(id, { content: "too much", ...message }), { code: "storage-full" });
  const answered = running.sessions.answer(id, sent.messageId, patient);
  const answer = await meanwhile(clock, answered);
  assert.equal(answer.kind === "ended" && answer.content, "echo: go");
  assert.equal(running.model.aborted, 1);
});

test("a client that leaves while its session can not be opened has left", async (t) => {
  const { disk, running, store } = await onFailingDisk(t);
  const id = await newSession(running);
  const client = await running.sessions.attach(id, {});
  disk.fail({ operation: "write", path: /events\.jsonl$/, code: "ENOSPC" });
  await assert.rejects(running.sessions.send(id, { content: "hi", ...message }), { code: "storage-full" });
  await store.close(id);
  disk.fail({ operation: "open", path: /events\.jsonl$/, code: "EIO", times: 100 });
  await client.leave();
  disk.mend();
  assert.equal((await running.sessions.get(id)).attachedClients, 0);
});

test("a session that could not be opened when its time came is tried again", async (t) => {
  const clock = createVirtualClock();
  const { disk, running, store } = await onFailingDisk(t, clock);
  const id = await newSession(running, "continue");
  running.model.reply({ text: ["half"], hold: gate().opened });
  const holding = running.model.holding();
  await running.sessions.send(id, { content: "go", ...message });
  await holding;
  disk.fail({ operation: "write", path: /events\.jsonl$/, code: "EIO" });
  await assert.rejects(running.sessions.send(id, { content: "too much", ...message }));
  await store.close(id);
  const model = running.model.nextRequest();
  disk.fail({ operation: "open", path: /events\.jsonl$/, code: "EIO", times: 1_000 });
  const refused = disk.count("open", /events\.jsonl$/);
  await meanwhile(
    clock,
    until("what was waited for", () => disk.count("open", /events\.jsonl$/) > refused + 1),
  );
  disk.mend();
  await meanwhile(clock, model);
});

test("a session that could not be opened at the start goes on once it can", async (t) => {
  const clock = createVirtualClock();
  const { disk, running, folder } = await onFailingDisk(t, clock);
  const id = await newSession(running, "continue");
  running.model.reply({ text: ["half"], hold: gate().opened });
  const holding = running.model.holding();
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await holding;
  // The process dies here: nothing of it does anything any more.
  disk.failFrom(0, "EIO");
  const later = await onFailingDisk(t, clock, folder);
  later.disk.fail({ operation: "open", path: /events\.jsonl$/, code: "EMFILE", times: 2 });
  await later.running.sessions.start();
  await meanwhile(
    clock,
    until("what was waited for", () => later.running.model.requests.length > 0),
  );
  const answer = await meanwhile(clock, later.running.sessions.answer(id, sent.messageId, patient));
  assert.equal(answer.kind === "ended" && answer.content, "echo: go");
});

test("a server whose snapshots can not be written stops all the same", async (t) => {
  const { disk, running } = await onFailingDisk(t);
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  const sent = await running.sessions.send(id, { content: "hi", ...message });
  await running.sessions.answer(id, sent.messageId, patient);
  disk.fail({ operation: "replace", path: /state\.yaml$/, code: "ENOSPC", times: 100 });
  await running.sessions.stop(1_000);
  assert.ok(running.log.some((line) => /snapshot/.test(line.message)));
  assert.ok((await typesOf(running, id)).includes("turn_end"));
});
