import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import type { SessionId } from "../../src/schema/ids.ts";
import type { SessionEvent, ToolCall } from "../../src/schema/session-event.ts";
import { eventsOf, eventually, harness, newSession, quietMetrics, type Harness } from "../support/runtime-harness.ts";
import { openTestStore } from "../support/test-store.ts";
import { until } from "../support/until.ts";

const patient = { timeoutMs: 5_000, signal: new AbortController().signal };
const message = { source: "http", mayDecide: true };
const call: ToolCall = { call_id: "c1", tool_name: "touch", arguments: {} };

type Measured = Harness & { gauge(name: string): number };

async function measured(t: TestContext): Promise<Measured> {
  const gauges = new Map<string, () => number>();
  const metrics = { ...quietMetrics, gauge: (name: string, read: () => number) => void gauges.set(name, read) };
  const running = harness({
    store: await openTestStore(t),
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
  const flood = { content: "x".repeat(2_000), senderId: "eve", disposition: "silent" as const };
  for (let round = 0; round < 50; round += 1)
    await Promise.all(Array.from({ length: 40 }, () => running.sessions.sendSilent(id, flood)));
  const bytes = running.gauge("duragent_session_events_bytes");
  assert.ok(bytes < 2_000_000, `${bytes} of 5,000,000 that came`);

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

test("sessions that nobody uses hold no more memory together than is meant for them, and go on as before", async (t) => {
  const running = await measured(t);
  const ids = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const id = await newSession(running);
      const silent = { senderId: "bob", disposition: "passive" as const };
      await running.sessions.sendSilent(id, { ...silent, content: `first ${"x".repeat(700_000)}` });
      return id;
    }),
  );
  const open = () => running.gauge("duragent_sessions_open");
  await until("some are closed", () => Promise.resolve(open() < 30));
  assert.ok(open() > 10, `${open()} of 40 are still open`);
  assert.ok(running.gauge("duragent_session_events_bytes") < 16 * 1024 * 1024);
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
