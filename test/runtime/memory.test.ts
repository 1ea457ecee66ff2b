import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import type { SessionId } from "../../src/schema/ids.ts";
import type { SessionEvent, ToolCall } from "../../src/schema/session-event.ts";
import {
  eventsOf,
  eventually,
  harness,
  newSession,
  quietMetrics,
  type Harness,
  type HarnessOptions,
} from "../support/runtime-harness.ts";
import { openRestartableStore, openTestStore } from "../support/test-store.ts";
import { until } from "../support/until.ts";
import { createVirtualClock } from "../support/virtual-clock.ts";

const patient = { timeoutMs: 5_000, signal: new AbortController().signal };
const message = { source: "http", mayDecide: true };
const call: ToolCall = { call_id: "c1", tool_name: "touch", arguments: {} };

type Measured = Harness & { gauge(name: string): number };

async function measured(t: TestContext, options: Partial<HarnessOptions> = {}): Promise<Measured> {
  const gauges = new Map<string, () => number>();
  const metrics = { ...quietMetrics, gauge: (name: string, read: () => number) => void gauges.set(name, read) };
  const running = harness({
    store: options.store ?? (await openTestStore(t)),
    metrics,
    policy: () => ({ policy: "ask", denial: null }),
    tools: [
      {
        definition: { name: "touch", description: "touch", parameters: { type: "object" } },
        effect: "unsafe",
        fault: () => null,
        describe: () => ({ type: "bash", text: "touch" }),
        run: () => Promise.resolve({ success: true, content: "touched", outcome: "ok" }),
      },
    ],
    ...options,
  });
  return { ...running, gauge: (name) => gauges.get(name)?.() ?? Number.NaN };
}

/** All that a reader from the beginning is shown, in the order of its coming. */
async function readAll(running: Harness, id: SessionId, head: number): Promise<number[]> {
  const reader = await running.sessions.reader(id, { seq: 0 });
  const seqs: number[] = [];
  while ((seqs.at(-1) ?? 0) < head)
    for (const frame of await reader.take(1_000_000)) if (frame.kind === "durable") seqs.push(frame.event.seq);
  reader.close();
  return seqs;
}

test("a flood at a session whose turn waits for an answer does not stay in memory, and is in the log", async (t) => {
  const running = await measured(t);
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ calls: [call] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await running.sessions.answer(id, sent.messageId, patient);
  // Fewer events than a snapshot waits for.
  const flood = { content: "x".repeat(50_000), senderId: "eve", disposition: "silent" as const };
  for (let round = 0; round < 6; round += 1)
    await Promise.all(Array.from({ length: 40 }, () => running.sessions.sendSilent(id, flood)));
  const bytes = running.gauge("duragent_session_events_bytes");
  assert.ok(bytes < 4_000_000, `${bytes} of 12,000,000 that came`);

  const { lastSeq } = await running.sessions.get(id);
  assert.deepEqual(
    await readAll(running, id, lastSeq),
    Array.from({ length: lastSeq }, (_, index) => index + 1),
  );
  await running.sessions.decide(id, { callId: "c1", decision: "allow_once", decidedBy: "http" });
  await eventually(running, id, (event) => event.type === "turn_end");
  const told = running.model.requests.at(-1)?.messages.map(({ role }) => role);
  assert.deepEqual(told, ["user", "assistant", "tool"]);
});

/** 28 MB in 40 sessions that nobody uses. */
async function fill(running: Harness): Promise<SessionId[]> {
  return Promise.all(
    Array.from({ length: 40 }, async () => {
      const id = await newSession(running);
      const silent = { senderId: "bob", disposition: "passive" as const };
      await running.sessions.sendSilent(id, { ...silent, content: `first ${"x".repeat(700_000)}` });
      return id;
    }),
  );
}

test("sessions that nobody uses hold no more memory together than is meant for them, and go on as before", async (t) => {
  const running = await measured(t);
  const ids = await fill(running);
  const bytes = () => running.gauge("duragent_session_events_bytes");
  await until("some are closed", () => Promise.resolve(bytes() < 16 * 1024 * 1024));
  assert.ok(running.gauge("duragent_sessions_open") > 10, "the others are not");
  for (const id of ids) {
    const events = await eventsOf(running, id);
    assert.equal(events.filter(({ type }: SessionEvent) => type === "silent_message").length, 1);
  }
  const [oldest] = ids;
  assert.ok(oldest);
  await running.sessions.attach(oldest, {});
  const sent = await running.sessions.send(oldest, { content: "hi", ...message });
  assert.equal((await running.sessions.answer(oldest, sent.messageId, patient)).kind, "ended");
  assert.equal(running.model.requests.at(-1)?.messages.length, 2);
});

test("such a session is closed once, however long its snapshot takes, and not while something of it is not durable", async (t) => {
  const store = await openTestStore(t);
  const clock = createVirtualClock();
  const snapshots = Promise.withResolvers<void>();
  const syncs = Promise.withResolvers<void>();
  const closed: SessionId[] = [];
  const { saveSnapshot, close, append } = store;
  store.saveSnapshot = async (...of) => snapshots.promise.then(() => saveSnapshot.apply(store, of));
  store.close = async (id) => {
    closed.push(id);
    return close.call(store, id);
  };
  let isTurnOver = false;
  store.append = async (...of) => {
    const appended = await append.apply(store, of);
    isTurnOver ||= of[2].some(({ type }) => type === "turn_end");
    return isTurnOver && appended.kind === "appended" && of[0] === oldest
      ? { ...appended, durable: syncs.promise.then(() => appended.durable) }
      : appended;
  };
  const running = await measured(t, { store, clock });
  // The longest unused one, which would go first.
  const oldest = await newSession(running);
  await running.sessions.send(oldest, { content: "hi", ...message, unattended: true });
  await until("its turn is over, but for its last sync", () => Promise.resolve(isTurnOver));
  await fill(running);
  for (let looks = 0; looks < 5; looks += 1) {
    clock.advance(100);
    await newSession(running);
  }
  assert.equal(closed.length, 0, "their snapshots are not written");
  snapshots.resolve();
  await until("some are closed", () => Promise.resolve(closed.length >= 15));
  assert.equal(new Set(closed).size, closed.length);
  assert.ok(!closed.includes(oldest), "its turn's end is not durable");
  syncs.resolve();
});

test("a request of an open turn is the same where its session was opened again meanwhile", async (t) => {
  const told = async (isRestarted: boolean): Promise<string | undefined> => {
    const disk = await openRestartableStore(t);
    const session = { context: { max_history_tokens: 100 } };
    let running = await measured(t, { store: disk.store, session });
    const id = await newSession(running);
    await running.sessions.attach(id, {});
    const say = async (content: string): Promise<void> => {
      const sent = await running.sessions.send(id, { content, ...message });
      await running.sessions.answer(id, sent.messageId, patient);
    };
    for (let turn = 0; turn < 20; turn += 1) await say(`m${turn} ${"x".repeat(150)}`);
    running.model.reply({ calls: [call] });
    await say("go");
    if (isRestarted) {
      await disk.kill();
      running = await measured(t, { store: await disk.reopen(), session });
      await running.sessions.attach(id, {});
    }
    const { lastSeq } = await running.sessions.get(id);
    await running.sessions.decide(id, { callId: "c1", decision: "allow_once", decidedBy: "http" });
    await eventually(running, id, (event) => event.type === "turn_end" && event.seq > lastSeq);
    return running.model.requests.at(-1)?.system.split("\n").at(-1);
  };
  assert.equal(await told(true), await told(false));
});
