import assert from "node:assert/strict";
import { test } from "node:test";

import { ModelFailure } from "../../src/ports/model.ts";
import { gate } from "../support/fake-model.ts";
import { eventsOf, eventually, harness, newSession, typesOf } from "../support/runtime-harness.ts";
import { openTestStore } from "../support/test-store.ts";

const never = new AbortController().signal;
const patient = { timeoutMs: 5_000, signal: never };
const message = { source: "http", mayDecide: true };

test("a plain turn is a message, a start, a response and an end", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  const client = await running.sessions.attach(id, {});
  const sent = await running.sessions.send(id, { content: "hello", ...message });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  await client.leave();
  assert.equal(answer.kind, "ended");
  assert.equal(answer.kind === "ended" && answer.content, "echo: hello");
  assert.equal(answer.kind === "ended" && answer.outcome, "completed");
  assert.deepEqual(await typesOf(running, id), [
    "session_start",
    "user_message",
    "turn_start",
    "assistant_response",
    "turn_end",
  ]);
  const view = await running.sessions.get(id);
  assert.equal(view.usage.total_tokens, 15);
  assert.equal(view.title, "hello");
  assert.equal(view.status, "active");
});

test("a message that comes while the model answers joins the turn after that answer", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  const hold = gate();
  running.model.reply({ text: ["first"], hold: hold.opened });
  const asked = running.model.holding();
  const first = await running.sessions.send(id, { content: "one", ...message });
  await asked;
  const second = await running.sessions.send(id, { content: "two", ...message });
  hold.open();
  const answers = await Promise.all([
    running.sessions.answer(id, first.messageId, patient),
    running.sessions.answer(id, second.messageId, patient),
  ]);
  assert.equal(answers[0].kind === "ended" && answers[0].turnId, answers[1].kind === "ended" && answers[1].turnId);
  assert.deepEqual(
    running.model.requests[1]?.messages.map((one) => (one.role === "tool" ? "tool" : one.content)),
    ["one", "first", "two"],
  );
});

test("an interrupting message cancels the turn and starts its own", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  const hold = gate();
  running.model.reply({ text: ["par", "tial"], hold: hold.opened });
  const asked = running.model.holding();
  const first = await running.sessions.send(id, { content: "one", ...message });
  await asked;
  const second = await running.sessions.send(id, { content: "two", delivery: "interrupt", ...message });
  const [before, after] = await Promise.all([
    running.sessions.answer(id, first.messageId, patient),
    running.sessions.answer(id, second.messageId, patient),
  ]);
  assert.equal(before.kind === "ended" && before.outcome, "cancelled");
  assert.equal(before.kind === "ended" && before.content, "partial");
  assert.equal(after.kind === "ended" && after.content, "echo: two");
  assert.equal(running.model.aborted, 1);
});

test("a cancelled turn keeps its partial text and says so", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ text: ["half"], hold: gate().opened });
  const asked = running.model.holding();
  const sent = await running.sessions.send(id, { content: "one", ...message });
  await asked;
  await running.sessions.control(id, { action: "cancel", by: "http", attached: true });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.outcome, "cancelled");
  assert.equal(answer.kind === "ended" && answer.content, "half");
  await assert.rejects(running.sessions.control(id, { action: "cancel", by: "http", attached: true }), {
    code: "conflict",
  });
});

test("in continue mode a turn goes on when its client leaves, and the session is active again after it", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running, "continue");
  const client = await running.sessions.attach(id, {});
  const hold = gate();
  running.model.reply({ text: ["slow"], hold: hold.opened });
  const asked = running.model.holding();
  await running.sessions.send(id, { content: "one", ...message });
  await asked;
  await client.leave();
  await eventually(running, id, (event) => event.type === "status_change" && event.to === "running");
  hold.open();
  await eventually(running, id, (event) => event.type === "status_change" && event.to === "active");
  assert.ok((await typesOf(running, id)).includes("turn_end"));
});

test("in pause mode the step finishes, the session pauses, and goes on when someone attaches", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running, "pause");
  const client = await running.sessions.attach(id, {});
  const hold = gate();
  running.model.reply({ calls: [{ call_id: "c1", tool_name: "none", arguments: {} }], hold: hold.opened });
  const asked = running.model.holding();
  const sent = await running.sessions.send(id, { content: "one", ...message });
  await asked;
  await client.leave();
  hold.open();
  await eventually(running, id, (event) => event.type === "status_change" && event.to === "paused");
  const paused = await running.sessions.get(id);
  assert.equal(paused.status, "paused");
  assert.equal(running.model.requests.length, 1);
  await running.sessions.attach(id, {});
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.content, "echo: one");
});

test("an unattended message is answered in pause mode without a client", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running, "pause");
  await running.sessions.send(id, { content: "one", unattended: true, ...message });
  await eventually(running, id, (event) => event.type === "turn_end");
});

test("a model that fails for good ends the turn with its own words", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  running.model.reply({ fail: new ModelFailure("no such model", { status: 404, retryable: false }) });
  const sent = await running.sessions.send(id, { content: "one", ...message });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind, "failed");
  assert.match(answer.kind === "failed" ? answer.error.message : "", /no such model/);
  const next = await running.sessions.send(id, { content: "two", ...message });
  const second = await running.sessions.answer(id, next.messageId, patient);
  assert.equal(second.kind === "ended" && second.content, "echo: two");
});

test("a repeated idempotency key appends nothing and gives the first result", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  const first = await running.sessions.send(id, { content: "one", idempotencyKey: "k", ...message });
  const again = await running.sessions.send(id, { content: "one", idempotencyKey: "k", ...message });
  assert.equal(again.messageId, first.messageId);
  assert.equal(again.repeated, true);
  await assert.rejects(running.sessions.send(id, { content: "two", idempotencyKey: "k", ...message }), {
    code: "conflict",
  });
  await running.sessions.answer(id, first.messageId, patient);
  assert.equal((await eventsOf(running, id)).filter((event) => event.type === "user_message").length, 1);
});

test("a requested pause holds with clients attached until it is resumed", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  const view = await running.sessions.control(id, { action: "pause", by: "http", attached: true });
  assert.equal(view.status, "paused");
  const sent = await running.sessions.send(id, { content: "later", delivery: "queue", ...message });
  const waits = await running.sessions.answer(id, sent.messageId, patient);
  assert.deepEqual([waits.kind, waits.kind === "open" && waits.status], ["open", "paused"]);
  await running.sessions.control(id, { action: "resume", by: "http", attached: true });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.content, "echo: later");
});

test("an ended session refuses messages, keeps everything, and can be forked", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  const sent = await running.sessions.send(id, { content: "one", ...message });
  await running.sessions.answer(id, sent.messageId, patient);
  await running.sessions.control(id, { action: "end", by: "http", attached: true });
  await eventually(running, id, (event) => event.type === "session_end");
  await assert.rejects(running.sessions.send(id, { content: "two", ...message }), { code: "session-ended" });
  const { session } = await running.sessions.fork(id, {});
  await running.sessions.attach(session.sessionId, {});
  const next = await running.sessions.send(session.sessionId, { content: "three", ...message });
  await running.sessions.answer(session.sessionId, next.messageId, patient);
  assert.deepEqual(
    running.model.requests.at(-1)?.messages.map((one) => (one.role === "tool" ? "tool" : one.content)),
    ["one", "echo: one", "three"],
  );
  assert.deepEqual(
    (await running.sessions.messages(id, {})).map((one) => one.content),
    ["one", "echo: one"],
  );
});

test("a deleted session is gone for good", async (t) => {
  const running = harness({ store: await openTestStore(t) });
  const id = await newSession(running);
  await running.sessions.delete(id);
  await assert.rejects(running.sessions.get(id), { code: "session-ended" });
  await assert.rejects(running.sessions.create({ agent: "tester", sessionId: id }), { code: "session-ended" });
});
