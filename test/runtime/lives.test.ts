import assert from "node:assert/strict";
import { appendFile, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { sealLine, seedOf } from "../../src/adapters/stores/sessions/files/line.ts";
import { MemorySessionStore } from "../../src/adapters/stores/sessions/memory.ts";
import { createSystemClock } from "../../src/adapters/clock/system.ts";
import type { SessionId } from "../../src/schema/ids.ts";
import type { SessionEvent } from "../../src/schema/session-event.ts";
import { WakeTimes } from "../../src/runtime/wake-times.ts";
import { gate } from "../support/fake-model.ts";
import { eventsOf, eventually, harness, newSession, type Harness } from "../support/runtime-harness.ts";
import { openRestartableStore, openTestStore } from "../support/test-store.ts";
import { createVirtualClock } from "../support/virtual-clock.ts";
import { until } from "../support/until.ts";

const patient = { timeoutMs: 5_000, signal: new AbortController().signal };
const message = { source: "http", mayDecide: true };

async function say(running: Harness, id: SessionId, content: string): Promise<string> {
  const sent = await running.sessions.send(id, { content, ...message });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  return answer.kind === "ended" ? answer.content : answer.kind;
}

test("a client that comes at any moment of a run's end is seen", async () => {
  for (let moment = 0; moment < 40; moment += 1) {
    const store = new MemorySessionStore({ clock: createSystemClock() });
    const running = harness({ store });
    const append = store.append.bind(store);
    store.append = (...given) => {
      const appended = append(...given);
      if (given[2].some((draft) => draft.type === "status_change" && draft.to === "paused")) void comes();
      return appended;
    };
    const comes = async (): Promise<void> => {
      for (let tick = 0; tick < moment; tick += 1) await Promise.resolve();
      await running.sessions.attach(id, {});
    };
    const id = await newSession(running, "pause");
    // Nobody is attached, so the session pauses before the message is taken in.
    await running.sessions.send(id, { content: "one", ...message });
    await eventually(running, id, (event) => event.type === "turn_end");
  }
});

test("who follows a session that is deleted is told its end", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  const reader = await running.sessions.reader(id, { seq: 0 });
  await reader.take(1 << 20);
  await running.sessions.delete(id);
  const frames = await reader.take(1 << 20);
  assert.equal(
    frames.some((frame) => frame.kind === "durable" && frame.event.type === "session_end"),
    true,
  );
  assert.equal(reader.finished, true);
});

test("a repeated key gives the first result also after the session has ended", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running, "continue");
  const first = await running.sessions.send(id, { content: "hi", ...message, idempotencyKey: "k1" });
  await running.sessions.answer(id, first.messageId, patient);
  await running.sessions.control(id, { action: "end", by: "http", attached: false });
  const again = await running.sessions.send(id, { content: "hi", ...message, idempotencyKey: "k1" });
  assert.deepEqual(again, { ...first, repeated: true });
  const answer = await running.sessions.answer(id, again.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.content, "echo: hi");
  await assert.rejects(running.sessions.send(id, { content: "hi", ...message, idempotencyKey: "k2" }), {
    code: "session-ended",
  });
});

test("a message that waits for its turn brings its trace along", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running, "continue");
  const held = gate();
  running.model.reply({ text: ["one"], hold: held.opened });
  const holding = running.model.holding();
  await running.sessions.send(id, { content: "one", ...message });
  await holding;
  const queued = await running.sessions.send(id, {
    content: "two",
    ...message,
    delivery: "queue",
    traceId: "a".repeat(32),
  });
  held.open();
  await running.sessions.answer(id, queued.messageId, patient);
  const start = (await eventsOf(running, id)).findLast((event) => event.type === "turn_start");
  assert.equal(start?.type === "turn_start" && start.trace_id, "a".repeat(32));
});

test("an event of a newer program that may be ignored stops neither readers nor turns", async (t) => {
  const disk = await openRestartableStore(t);
  const first = harness({ store: disk.store });
  const id = await newSession(first, "continue");
  await say(first, id, "one");
  const head = (await eventsOf(first, id)).at(-1)?.seq ?? 0;
  await disk.kill();
  const unknown = { seq: head + 1, timestamp: new Date().toISOString(), type: "from_the_future", ignorable: true };
  const line = sealLine(JSON.stringify(unknown).slice(0, -1), true, seedOf(id)).text;
  await appendFile(join(disk.folder, "sessions", id, "events.jsonl"), line);
  const second = harness({ store: await disk.reopen() });
  await second.sessions.start();
  assert.equal((await second.sessions.get(id)).lastSeq, head + 1);
  const reader = await second.sessions.reader(id, { seq: head - 1 });
  assert.equal((await reader.take(1 << 20)).length, 1);
  assert.equal((await reader.take(1 << 20)).length, 0);
  assert.equal(reader.position, head + 1);
  reader.close();
  assert.equal(await say(second, id, "two"), "echo: two");
  const seqs = (await second.sessions.events(id, { after: head, limit: 100 })).events.map((event) => event.seq);
  assert.equal(seqs[0], head + 2);
});

test("a log of Duragent 0.5 whose numbers have gaps is read from any place", async (t) => {
  const disk = await openRestartableStore(t);
  const first = harness({ store: disk.store });
  const id = await newSession(first, "continue");
  await disk.kill();
  const at = "2026-01-01T00:00:00Z";
  const records = [
    { seq: 1, timestamp: at, type: "session_start", session_id: id, agent: "tester" },
    { seq: 2, timestamp: at, type: "user_message", content: "hi" },
    { seq: 3, timestamp: at, type: "assistant_response", agent: "tester", content: "" },
    { seq: 4, timestamp: at, type: "tool_call", call_id: "c", tool_name: "bash", arguments: {} },
    { seq: 7, timestamp: at, type: "tool_result", call_id: "c", result: { success: true, content: "ok" } },
    { seq: 8, timestamp: at, type: "assistant_response", agent: "tester", content: "done" },
  ];
  const folder = join(disk.folder, "sessions", id);
  await rm(folder, { recursive: true });
  await mkdir(folder);
  await writeFile(join(folder, "events.jsonl"), records.map((record) => `${JSON.stringify(record)}\n`).join(""));
  const second = harness({ store: await disk.reopen() });
  const after = async (seq: number) => (await second.sessions.events(id, { after: seq, limit: 9 })).events.map(seqOf);
  assert.deepEqual(await after(0), [1, 2, 3, 7, 8]);
  assert.deepEqual(await after(3), [7, 8]);
  assert.deepEqual(await after(5), [7, 8]);
  assert.deepEqual(await after(7), [8]);
  assert.deepEqual(await after(8), []);
});

const seqOf = (event: SessionEvent): number => event.seq;

test("a call that is cancelled before its tool begins does not run", async (t) => {
  const store = await openTestStore(t);
  let runs = 0;
  const running = harness({
    store,
    tools: [
      {
        definition: { name: "touch", description: "touch", parameters: { type: "object" } },
        effect: "unsafe",
        fault: () => null,
        describe: () => ({ type: "cli", text: "touch" }),
        run: () => ((runs += 1), Promise.resolve({ success: true, content: "done", outcome: "ok" })),
      },
    ],
  });
  const id = await newSession(running, "continue");
  const append = store.append.bind(store);
  store.append = async (...given) => {
    const appended = await append(...given);
    if (given[2].some((draft) => draft.type === "tool_start"))
      void running.sessions.control(id, { action: "cancel", by: "http", attached: true });
    return appended;
  };
  running.model.reply({ calls: [{ call_id: "c", tool_name: "touch", arguments: {} }] });
  assert.equal(await say(running, id, "go"), "");
  assert.equal(runs, 0);
});

test("a session whose agent has come back takes messages again at once", async (t) => {
  const disk = await openRestartableStore(t);
  const first = harness({ store: disk.store });
  const id = await newSession(first, "continue");
  await disk.kill();
  const second = harness({ store: await disk.reopen() });
  const { catalog } = second.parts;
  const find = catalog.get.bind(catalog);
  catalog.get = () => Promise.resolve(undefined);
  await assert.rejects(second.sessions.send(id, { content: "hi", ...message }), { code: "agent-not-found" });
  catalog.get = find;
  assert.equal(await say(second, id, "hi"), "echo: hi");
});

test("a session that had no snapshot gets one when it is closed", async (t) => {
  const clock = createVirtualClock();
  const disk = await openRestartableStore(t, clock);
  const first = harness({ store: disk.store, clock });
  const id = await newSession(first, "continue");
  await say(first, id, "one");
  await disk.kill();
  const second = harness({ store: await disk.reopen(), clock });
  await second.sessions.start();
  clock.advance(12 * 60_000);
  const files = join(disk.folder, "sessions", id);
  await until("the snapshot", async () => (await readdir(files)).includes("state.yaml"));
});

test("a session whose snapshot can not be read keeps nobody else out", async (t) => {
  const disk = await openRestartableStore(t);
  const first = harness({ store: disk.store });
  const bad = await newSession(first, "continue");
  const good = await newSession(first, "continue");
  await say(first, bad, "one");
  await disk.kill();
  await mkdir(join(disk.folder, "sessions", bad, "state.yaml"));
  const second = harness({ store: await disk.reopen() });
  await second.sessions.start();
  assert.equal(await say(second, good, "two"), "echo: two");
  assert.equal(await say(second, bad, "three"), "echo: three");
});

test("two hundred thousand sessions that sleep are woken in their time", () => {
  const clock = createVirtualClock();
  let woken = 0;
  const wakes = new WakeTimes(clock, () => (woken += 1));
  for (let n = 0; n < 200_000; n += 1) wakes.set(`session_${n}` as SessionId, clock.now() + (n === 0 ? 1 : 2_000));
  clock.advance(1);
  assert.equal(woken, 1);
});
