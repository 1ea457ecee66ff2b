import assert from "node:assert/strict";
import { test } from "node:test";

import { ModelFailure } from "../../../src/ports/model.ts";
import { Rates, type RateLevel, type Wait } from "../../../src/runtime/limits/rates.ts";
import type { StreamFrame } from "../../../src/runtime/runtime.ts";
import type { Limits } from "../../../src/schema/limits.ts";
import { clockedCounters } from "../../support/clocked-counters.ts";
import { gate } from "../../support/fake-model.ts";
import { eventually, harness, newSession, quietMetrics } from "../../support/runtime-harness.ts";
import { openTestStore } from "../../support/test-store.ts";
import { until } from "../../support/until.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const message = { source: "http", mayDecide: true };
const patient = { timeoutMs: 3_600_000, signal: new AbortController().signal };

function openRates() {
  const clock = createVirtualClock();
  const rates = new Rates({ clock, rateCounters: clockedCounters(clock), metrics: quietMetrics });
  const waits: Wait[] = [];
  const acquire = (rate: Limits["rate"], options: { key?: string; tokens?: number; signal?: AbortSignal } = {}) => {
    const key = options.key ?? "server";
    const levels: RateLevel[] = [{ key, kind: "server", words: key, rate }];
    return rates.acquire({
      levels: () => levels,
      tokens: options.tokens ?? 1,
      signal: options.signal ?? new AbortController().signal,
      onWait: (wait) => waits.push(wait),
    });
  };
  return { clock, rates, waits, acquire };
}

/** Lets everything that needs no time happen. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test("calls beyond a minute's wait for the next one, first come first served, and are told how long", async () => {
  const { clock, acquire, waits } = openRates();
  const order: number[] = [];
  const rate = { requests_per_minute: 2 };
  for (let n = 1; n <= 5; n += 1) void acquire(rate).then(() => order.push(n));
  await settle();
  assert.deepEqual(order, [1, 2]);
  assert.deepEqual(waits[0], { forMs: 60_000, reason: "server allows requests_per_minute: 2" });
  clock.advance(59_999);
  await settle();
  assert.deepEqual(order, [1, 2]);
  clock.advance(1);
  await settle();
  assert.deepEqual(order, [1, 2, 3, 4]);
  clock.advance(60_000);
  await settle();
  assert.deepEqual(order, [1, 2, 3, 4, 5]);
});

test("who waits for one provider does not hold up another", async () => {
  const { acquire } = openRates();
  const rate = { requests_per_minute: 1 };
  const order: string[] = [];
  for (const key of ["a", "a", "b"]) void acquire(rate, { key }).then(() => order.push(key));
  await settle();
  assert.deepEqual(order, ["a", "b"]);
});

test("of calls at the same time the next goes when one is over", async () => {
  const { acquire, waits } = openRates();
  const rate = { concurrent_requests: 1 };
  const first = await acquire(rate);
  const second = acquire(rate);
  await settle();
  assert.deepEqual(waits, [{ forMs: null, reason: "server allows concurrent_requests: 1" }]);
  assert.ok(typeof first === "object");
  first.settle();
  assert.equal(typeof (await second), "object");
});

test("tokens are taken as they are thought to be and set right by what they were", async () => {
  const { acquire, clock } = openRates();
  const rate = { tokens_per_minute: 100 };
  const first = await acquire(rate, { tokens: 90 });
  assert.ok(typeof first === "object");
  first.settle(20);
  await settle();
  assert.equal(typeof (await acquire(rate, { tokens: 80 })), "object");
  let last: unknown = "waits";
  void acquire(rate, { tokens: 1_000_000 }).then((permit) => (last = permit));
  await settle();
  assert.equal(last, "waits");
  clock.advance(60_000);
  await settle();
  assert.equal(typeof last, "object", "a call that is larger than a minute takes a whole one");
});

test("who is cancelled while it waits takes nothing, and a drain sends all back", async () => {
  const { acquire, rates } = openRates();
  const rate = { requests_per_minute: 1 };
  await acquire(rate);
  const cancel = new AbortController();
  const waiting = acquire(rate, { signal: cancel.signal });
  const other = acquire(rate);
  await settle();
  cancel.abort();
  assert.equal(await waiting, "aborted");
  rates.stop();
  assert.equal(await other, "aborted");
  assert.equal(await acquire(rate), "aborted");
});

test("a session that waits for a rate says so and for how long, and goes on by itself", async (t) => {
  const clock = createVirtualClock();
  const running = harness({
    store: await openTestStore(t, clock),
    clock,
    // Waiting is not part of a call's time-out.
    session: { llm_timeout_seconds: 5 },
    agentLimits: { rate: { requests_per_minute: 1 } },
  });
  const first = await newSession(running, "continue");
  await running.sessions.send(first, { content: "one", ...message });
  await eventually(running, first, (event) => event.type === "turn_end");
  const id = await newSession(running, "continue");
  const reader = await running.sessions.reader(id, { seq: 0 });
  const sent = await running.sessions.send(id, { content: "two", ...message });
  await until("it waits", async () => (await running.sessions.get(id)).activity === "backing_off");
  assert.equal((await running.sessions.get(id)).waitingFor, "backing_off");
  const frames: StreamFrame[] = await reader.take(1 << 20);
  reader.close();
  const told = frames.findLast((frame) => frame.kind === "live" && frame.name === "activity");
  assert.deepEqual(told?.kind === "live" && [told.data.for_ms, told.data.reason], [
    60_000,
    "limits.rate of the agent tester allows requests_per_minute: 1",
  ]);
  assert.equal(running.model.requests.length, 1);
  const held = gate();
  running.model.reply({ text: ["let in"], hold: held.opened });
  const holding = running.model.holding();
  clock.advance(60_000);
  await holding;
  clock.advance(4_000);
  held.open();
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.content, "let in");
});

test("a wait for a rate can be cancelled, and max_turn_seconds ends it", async (t) => {
  const clock = createVirtualClock();
  const running = harness({
    store: await openTestStore(t, clock),
    clock,
    session: { max_turn_seconds: 30 },
    limits: { rate: { requests_per_hour: 1 } },
  });
  const first = await newSession(running, "continue");
  await running.sessions.send(first, { content: "one", ...message });
  await eventually(running, first, (event) => event.type === "turn_end");
  const waitingSession = async () => {
    const id = await newSession(running, "continue");
    await running.sessions.send(id, { content: "two", ...message });
    await until("it waits", async () => (await running.sessions.get(id)).activity === "backing_off");
    return id;
  };
  const cancelled = await waitingSession();
  await running.sessions.control(cancelled, { action: "cancel", by: "http", attached: false });
  await eventually(running, cancelled, (event) => event.type === "turn_end" && event.outcome === "cancelled");
  const tired = await waitingSession();
  clock.advance(30_000);
  await eventually(running, tired, (event) => event.type === "turn_end" && event.outcome === "limit_reached");
  assert.equal((await running.sessions.get(tired)).activity, "idle");
  assert.equal(running.model.requests.length, 1);
});

test("a call that is tried again counts again", async (t) => {
  const clock = createVirtualClock({ random: 0 });
  const running = harness({
    store: await openTestStore(t, clock),
    clock,
    providerLimits: { fake: { rate: { requests_per_minute: 1 } } },
  });
  running.model.reply({ fail: new ModelFailure("busy", { retryable: true }) });
  const id = await newSession(running, "continue");
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await until("the first try has failed", () => clock.slept.length === 1);
  clock.advance(1);
  await until("the second waits", () => clock.pending() > 0 && running.model.requests.length === 1);
  await settle();
  assert.equal(running.model.requests.length, 1);
  await until("the second is let in", () => {
    clock.advance(10_000);
    return running.model.requests.length === 2;
  });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.outcome, "completed");
});

test("a server that drains does not wait for a rate", async (t) => {
  const running = harness({ store: await openTestStore(t), limits: { rate: { concurrent_requests: 1 } } });
  const held = gate();
  running.model.reply({ text: ["one"], hold: held.opened });
  const holding = running.model.holding();
  const first = await newSession(running, "continue");
  await running.sessions.send(first, { content: "one", ...message });
  await holding;
  const second = await newSession(running, "continue");
  await running.sessions.send(second, { content: "two", ...message });
  await until("it waits", async () => (await running.sessions.get(second)).activity === "backing_off");
  const stopped = running.sessions.stop(60_000);
  held.open();
  await stopped;
  assert.equal(running.model.requests.length, 1);
});
