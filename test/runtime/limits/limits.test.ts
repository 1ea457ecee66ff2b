import assert from "node:assert/strict";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { redactor } from "../../../src/domain/redact.ts";
import { ModelFailure } from "../../../src/ports/model.ts";
import type { StreamFrame } from "../../../src/runtime/runtime.ts";
import { FakeModel, gate } from "../../support/fake-model.ts";
import { eventsOf, eventually, harness, newSession } from "../../support/runtime-harness.ts";
import { openRestartableStore, openTestStore } from "../../support/test-store.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";
import { until } from "../../support/until.ts";

const patient = { timeoutMs: 5_000, signal: new AbortController().signal };
const message = { source: "http", mayDecide: true };
const secret = "hunter2-hunter2";

test("more messages than may wait for the disk are refused, and nothing else of the session suffers", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running, "continue");
  const held = gate();
  running.model.reply({ text: ["one"], hold: held.opened });
  const holding = running.model.holding();
  await running.sessions.send(id, { content: "go", ...message });
  await holding;
  const content = "x".repeat(2 * 1024 * 1024);
  const sends = Array.from({ length: 24 }, () => running.sessions.send(id, { content, ...message, delivery: "queue" }));
  const done = await Promise.allSettled(sends);
  const refused = done.filter((one) => one.status === "rejected").map((one) => one.reason.code);
  assert.ok(refused.length > 0);
  assert.deepEqual([...new Set(refused)], ["overloaded"]);
  const accepted = done.length - refused.length;
  const said = (await eventsOf(running, id)).filter((event) => event.type === "user_message");
  assert.equal(said.length, 1 + accepted);
  assert.equal((await running.sessions.get(id)).lastSeq, said.at(-1)?.seq);
  assert.equal(running.model.aborted, 0);
  await running.sessions.control(id, { action: "pause", by: "http", attached: true });
  held.open();
  await eventually(running, id, (event) => event.type === "assistant_response");
});

test("secrets are masked in live thoughts and in what is told of a failure", async (t) => {
  const model = new FakeModel();
  const running = harness({ store: await openTestStore(t), model });
  const masks = redactor([secret]);
  running.parts.redact = (value) => masks.value(value);
  running.parts.redactText = () => masks.stream();
  const id = await newSession(running, "continue");
  model.reply({ fail: new ModelFailure(`bad key ${secret}`, { retryable: true }) });
  model.reply({ thinking: ["my key is hunter2", "-hunter2, well"], text: ["done"] });
  const frames: StreamFrame[] = [];
  const reader = await running.sessions.reader(id, { seq: 0 });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  const answered = running.sessions.answer(id, sent.messageId, patient);
  const over = new AbortController();
  void answered.finally(() => over.abort());
  while (!over.signal.aborted) {
    frames.push(...(await reader.take(1 << 20)));
    await reader.wait(over.signal);
  }
  reader.close();
  const shown = frames.map((frame) => Buffer.from(frame.wire).toString()).join("");
  assert.ok(!shown.includes(secret));
  const thoughts = frames.filter((frame) => frame.kind === "live" && frame.name === "thinking");
  assert.equal(
    thoughts.map((frame) => (frame.kind === "live" ? frame.data.content : "")).join(""),
    "my key is ***, well",
  );
  assert.match(shown, /bad key \*\*\*/);
  const told = frames.flatMap((frame) =>
    frame.kind === "live" && frame.name === "activity" ? [frame.data.activity] : [],
  );
  assert.deepEqual(told, ["working", "backing_off", "working", "idle"]);
});

test("who comes after a model was asked again is not told that it still waits", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running, "continue");
  running.model.reply({ fail: new ModelFailure("busy", { retryable: true }) });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await running.sessions.answer(id, sent.messageId, patient);
  const reader = await running.sessions.reader(id, { seq: 0 });
  const live = (await reader.take(1 << 20)).filter((frame) => frame.kind === "live");
  assert.deepEqual(
    live.map((frame) => frame.name),
    [],
  );
  reader.close();
});

test("a summary that takes all the time in the background pauses the session", async (t) => {
  const clock = createVirtualClock();
  const running = harness({
    store: await openTestStore(t, clock),
    clock,
    window: 2_000,
    session: { max_background_runtime: 60_000, llm_timeout_seconds: 3_600, idle_timeout_seconds: 3_600 },
  });
  const id = await newSession(running, "continue");
  const client = await running.sessions.attach(id, {});
  running.model.reply({ text: ["long ".repeat(4_000)] });
  const one = await running.sessions.send(id, { content: "first", ...message });
  await running.sessions.answer(id, one.messageId, patient);
  running.model.reply({ text: ["a summary"], hold: gate().opened });
  const holding = running.model.holding();
  await running.sessions.send(id, { content: "second", ...message });
  await holding;
  await client.leave();
  await eventually(running, id, (event) => event.type === "status_change" && event.to === "running");
  clock.advance(60_000 + 60_000 + 1_000);
  const paused = await eventually(running, id, (event) => event.type === "status_change" && event.to === "paused");
  assert.equal(paused.type === "status_change" && paused.cause, "background_limit");
});

test("a session that crashes its process again and again refuses all but messages", async (t) => {
  const disk = await openRestartableStore(t);
  const first = harness({ store: disk.store });
  const id = await newSession(first, "continue");
  first.model.reply({ hold: gate().opened });
  const holding = first.model.holding();
  await first.sessions.send(id, { content: "hi", ...message });
  await holding;
  await disk.kill();
  await disk.reopen();
  for (let crash = 0; crash < 3; crash += 1) {
    await disk.store.open(id);
    const lease = await disk.store.acquire(id, "test");
    assert.ok(!("kind" in lease));
    await disk.kill();
    // Each time it dies in the middle of a write.
    await appendFile(join(disk.folder, "sessions", id, "events.jsonl"), '{"seq":9999,"half a li\n');
    await disk.reopen();
  }
  const running = harness({ store: disk.store });
  await running.sessions.start();
  const problem = async () => (await running.sessions.get(id)).problem?.code;
  await until("the problem", async () => (await problem()) !== undefined);
  assert.equal(await problem(), "repeated-crash");
  await assert.rejects(running.sessions.control(id, { action: "pause", by: "http", attached: true }), {
    code: "repeated-crash",
  });
  const sent = await running.sessions.send(id, { content: "hi", ...message });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.content, "echo: hi");
});

test("a message that is sent again with its key makes such a session try again, too", async (t) => {
  const disk = await openRestartableStore(t);
  const first = harness({ store: disk.store });
  const id = await newSession(first, "continue");
  first.model.reply({ hold: gate().opened });
  const holding = first.model.holding();
  const keyed = { content: "hi", idempotencyKey: "once", ...message };
  await first.sessions.send(id, keyed);
  await holding;
  await disk.kill();
  await disk.reopen();
  for (let crash = 0; crash < 3; crash += 1) {
    assert.ok(!("kind" in (await disk.store.acquire(id, "test"))));
    await disk.kill();
    await disk.reopen();
  }
  const running = harness({ store: disk.store });
  await running.sessions.start();
  await until("the problem", async () => (await running.sessions.get(id)).problem?.code === "repeated-crash");
  const sent = await running.sessions.send(id, keyed);
  assert.equal(sent.repeated, true);
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.content, "echo: hi");
});

test("a session that is looked at while it is repaired is whole afterwards", async (t) => {
  const disk = await openRestartableStore(t);
  const first = harness({ store: disk.store });
  const id = await newSession(first, "continue");
  const sent = await first.sessions.send(id, { content: "hi", ...message });
  await first.sessions.answer(id, sent.messageId, patient);
  const file = join(disk.folder, "sessions", id, "events.jsonl");
  await disk.kill();
  const lines = (await readFile(file, "utf8")).split("\n");
  lines[1] = (lines[1] ?? "").replace("hi", "ho");
  await writeFile(file, lines.join("\n"));
  const second = harness({ store: await disk.reopen() });
  await second.sessions.start();
  assert.equal((await second.sessions.get(id)).problem?.code, "session-corrupt");
  let over = false;
  const looks = (async () => {
    while (!over) {
      await second.sessions.get(id).catch(() => undefined);
      await new Promise(setImmediate);
    }
  })();
  const report = await second.sessions.repair(id, { apply: true, reseal: false });
  over = true;
  await looks;
  assert.equal(report.applied, true);
  assert.equal((await second.sessions.get(id)).problem, undefined);
});

test("a session takes only so many clients that poll", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  const clients = Array.from({ length: 2_000 }, (_, n) => `client-${n}`);
  for (const clientId of clients) await running.sessions.attach(id, { clientId, ttlMs: 60_000 });
  await assert.rejects(running.sessions.attach(id, { clientId: "one-more", ttlMs: 60_000 }), { code: "rate-limited" });
  await running.sessions.attach(id, { clientId: "client-0", ttlMs: 60_000 });
  await running.sessions.attach(id, {});
});
