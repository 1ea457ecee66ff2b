import assert from "node:assert/strict";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import type { SessionId } from "../../src/schema/ids.ts";
import { gate } from "../support/fake-model.ts";
import { eventsOf, eventually, harness, newSession, typesOf, type Harness } from "../support/runtime-harness.ts";
import { openRestartableStore, openTestStore } from "../support/test-store.ts";
import { createVirtualClock } from "../support/virtual-clock.ts";
import { until } from "../support/until.ts";

const patient = { timeoutMs: 5_000, signal: new AbortController().signal };
const message = { source: "http", mayDecide: true };
const hourMs = 3_600_000;

async function say(running: Harness, id: SessionId, content: string): Promise<string> {
  const sent = await running.sessions.send(id, { content, ...message });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  return answer.kind === "ended" ? answer.content : answer.kind;
}

test("an idle session ends when its time to live is over, also one that is not open", async (t) => {
  const clock = createVirtualClock();
  const disk = await openRestartableStore(t, clock);
  const first = harness({ store: disk.store, clock, session: { ttl_hours: 2 } });
  const id = await newSession(first);
  await first.sessions.attach(id, {});
  await say(first, id, "hi");
  await first.sessions.stop(1_000);
  await disk.store.shutdown();
  const second = harness({ store: await disk.reopen(), clock, session: { ttl_hours: 2 } });
  await second.sessions.start();
  clock.advance(hourMs);
  assert.equal((await second.sessions.get(id)).status, "active");
  clock.advance(hourMs + 1_000);
  const end = await eventually(second, id, (event) => event.type === "session_end");
  assert.equal(end.type === "session_end" && end.reason, "timeout");
  assert.deepEqual((await second.sessions.list({ limit: 10 })).sessions, []);
  assert.equal((await second.sessions.list({ limit: 10, status: "ended" })).sessions.length, 1);
});

test("a definition that came with its session says how long that lives, also after a restart", async (t) => {
  const clock = createVirtualClock();
  const disk = await openRestartableStore(t, clock);
  const first = harness({ store: disk.store, clock, session: { ttl_hours: 2 } });
  const { session } = await first.sessions.create({ agentSpec: { name: "tester" }, onDisconnect: "pause" });
  await first.sessions.stop(1_000);
  await disk.store.shutdown();
  const second = harness({ store: await disk.reopen(), clock, session: { ttl_hours: 2 } });
  await second.sessions.start();
  clock.advance(2 * hourMs + 1_000);
  // Looked at in the store: nobody but the clock opens the session.
  await until("the end", async () => (await eventsOf(second, session.sessionId)).at(-1)?.type === "session_end");
});

test("after ten idle minutes nothing of a session is in memory, and it goes on as before", async (t) => {
  const clock = createVirtualClock();
  const disk = await openRestartableStore(t, clock);
  const running = harness({ store: disk.store, clock });
  const id = await newSession(running);
  const client = await running.sessions.attach(id, {});
  await say(running, id, "one");
  await client.leave();
  const before = await running.sessions.get(id);
  clock.advance(12 * 60_000);
  const files = join(disk.folder, "sessions", id);
  await until("the snapshot", async () => (await readdir(files)).includes("state.yaml"));
  assert.match(await readFile(join(files, "state.yaml"), "utf8"), /"title": "one"/);
  const listed = await running.sessions.list({ limit: 10 });
  assert.equal(listed.sessions[0]?.title, "one");
  assert.deepEqual(await running.sessions.get(id), before);
  await running.sessions.attach(id, {});
  await say(running, id, "two");
  assert.deepEqual(
    running.model.requests.at(-1)?.messages.map((one) => (one.role === "tool" ? "" : one.content)),
    ["one", "echo: one", "two"],
  );
});

test("a session opened from its snapshot is the session folded from its log", async (t) => {
  const disk = await openRestartableStore(t);
  const running = harness({ store: disk.store });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  for (let turn = 0; turn < 70; turn += 1) await say(running, id, `message ${turn}`);
  await running.sessions.stop(1_000);
  await disk.store.shutdown();
  const second = harness({ store: await disk.reopen() });
  const fromSnapshot = await second.sessions.get(id);
  await disk.kill();
  await rm(join(disk.folder, "sessions", id, "state.yaml"));
  const third = harness({ store: await disk.reopen() });
  assert.deepEqual(await third.sessions.get(id), fromSnapshot);
});

test("in continue mode work without a client pauses at the background limit, and a client lifts it", async (t) => {
  const clock = createVirtualClock();
  const running = harness({
    store: await openTestStore(t, clock),
    clock,
    session: { max_background_runtime: 60_000, llm_timeout_seconds: 3_600, idle_timeout_seconds: 3_600 },
  });
  const id = await newSession(running, "continue");
  const client = await running.sessions.attach(id, {});
  running.model.reply({ text: ["slow"], hold: gate().opened });
  const holding = running.model.holding();
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await holding;
  await client.leave();
  await eventually(running, id, (event) => event.type === "status_change" && event.to === "running");
  clock.advance(60_000 + 60_000 + 1_000);
  const paused = await eventually(running, id, (event) => event.type === "status_change" && event.to === "paused");
  assert.equal(paused.type === "status_change" && paused.cause, "background_limit");
  assert.equal(running.model.aborted, 1);
  assert.ok(!(await typesOf(running, id)).includes("assistant_response"));
  await running.sessions.attach(id, {});
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.content, "echo: go");
});

test("an attachment that is not renewed expires, and its session pauses", async (t) => {
  const clock = createVirtualClock();
  const running = harness({
    store: await openTestStore(t, clock),
    clock,
    session: { llm_timeout_seconds: 3_600, idle_timeout_seconds: 3_600 },
  });
  const id = await newSession(running, "pause");
  await running.sessions.attach(id, { clientId: "poller", ttlMs: 60_000 });
  const hold = gate();
  running.model.reply({ calls: [{ call_id: "c", tool_name: "none", arguments: {} }], hold: hold.opened });
  const holding = running.model.holding();
  await running.sessions.send(id, { content: "go", ...message });
  await holding;
  clock.advance(50_000);
  await running.sessions.attach(id, { clientId: "poller", ttlMs: 60_000 });
  clock.advance(50_000);
  assert.equal((await running.sessions.get(id)).attachedClients, 1);
  clock.advance(11_000);
  hold.open();
  await eventually(running, id, (event) => event.type === "status_change" && event.to === "paused");
  assert.equal((await running.sessions.get(id)).attachedClients, 0);
});

test("a history above its share of the window is summarised once, and the summary stands for it", async (t) => {
  const running = harness({ store: await openTestStore(t), window: 2_000 });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ text: ["long ".repeat(4_000)] });
  await say(running, id, "first");
  running.model.reply({ text: ["They said first; the answer was long."] });
  await say(running, id, "second");
  const compacted = (await eventsOf(running, id)).find((event) => event.type === "context_compacted");
  assert.equal(compacted?.type === "context_compacted" && compacted.summary, "They said first; the answer was long.");
  const last = running.model.requests.at(-1)?.messages ?? [];
  assert.equal(last.length, 2);
  assert.match(last[0]?.role === "user" ? last[0].content : "", /They said first/);
});

test("a summary that can not be had leaves the turn as it is", async (t) => {
  const running = harness({ store: await openTestStore(t), window: 2_000 });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ text: ["long ".repeat(4_000)] });
  await say(running, id, "first");
  running.model.reply({ text: [""] });
  assert.equal(await say(running, id, "second"), "echo: second");
  assert.ok(!(await typesOf(running, id)).includes("context_compacted"));
});

test("a drain lets a turn reach its safe point; what does not is aborted and goes on after the restart", async (t) => {
  const disk = await openRestartableStore(t);
  const first = harness({ store: disk.store });
  const id = await newSession(first, "continue");
  first.model.reply({ text: ["half"], hold: gate().opened });
  const holding = first.model.holding();
  const sent = await first.sessions.send(id, { content: "go", ...message });
  await holding;
  await first.sessions.stop(20);
  await assert.rejects(first.sessions.send(id, { content: "no", ...message }), { code: "shutting-down" });
  await disk.store.shutdown();
  const second = harness({ store: await disk.reopen() });
  await second.sessions.start();
  const answer = await second.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.content, "echo: go");
  const resumed = (await eventsOf(second, id)).find((event) => event.type === "turn_resumed");
  assert.equal(resumed?.type === "turn_resumed" && resumed.cause, "handover");
});
