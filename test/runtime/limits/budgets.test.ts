import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { test } from "node:test";

import { ModelFailure } from "../../../src/ports/model.ts";
import type { SessionId } from "../../../src/schema/ids.ts";
import { FakeModel, gate } from "../../support/fake-model.ts";
import { eventsOf, eventually, harness, newSession, type Harness } from "../../support/runtime-harness.ts";
import { openRestartableStore, openTestStore } from "../../support/test-store.ts";
import { until } from "../../support/until.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const message = { source: "http", mayDecide: true };
/** A call of the fake model takes 10 and 5 tokens: a cent. */
const prices = { "fake/fake-1": { input: 500, output: 1000 } };
const session = { max_tool_iterations: 0 };
const patient = { timeoutMs: 5_000, signal: new AbortController().signal };

/** A model that calls a tool for ever. */
class LoopingModel extends FakeModel {
  calls = 0;
  override async *stream(...given: Parameters<FakeModel["stream"]>): ReturnType<FakeModel["stream"]> {
    this.calls += 1;
    this.reply({ calls: [{ call_id: `c${this.calls}`, tool_name: "none", arguments: {} }] });
    yield* super.stream(...given);
  }
}

async function endOf(running: Harness, id: SessionId, content = "go") {
  const sent = await running.sessions.send(id, { content, ...message });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind, "ended");
  return answer.kind === "ended" ? answer : assert.fail();
}

test("a looping agent is stopped at the cent by its session's budget, in words that name it", async (t) => {
  const model = new LoopingModel();
  const agentLimits = { budget: { per_session_usd: 0.03 } };
  const running = harness({ store: await openTestStore(t), model, session, limits: { prices }, agentLimits });
  const id = await newSession(running, "continue");
  const first = await endOf(running, id);
  assert.equal(first.outcome, "limit_reached");
  assert.equal(model.calls, 3);
  assert.match(
    first.content,
    /Stopped: this session has spent \$0\.0300 of its \$0\.03 \(limits\.budget\.per_session_usd of agent\.yaml\)\./,
  );
  const again = await endOf(running, id, "go on");
  assert.equal(again.outcome, "limit_reached");
  assert.equal(model.calls, 3);
  const { budgets } = await running.sessions.get(id);
  assert.deepEqual(budgets, [
    { scope: "session", level: "agent", name: "tester", limit: 0.03, spent: 0.03, unit: "usd" },
  ]);
  const other = await newSession(running, "continue");
  await endOf(running, other);
  assert.equal(model.calls, 6);
});

test("a day's budget holds over sessions and restarts, also over deleted sessions, until midnight in UTC", async (t) => {
  const clock = createVirtualClock({ startMs: Date.UTC(2026, 0, 1, 23, 0) });
  const disk = await openRestartableStore(t, clock);
  const model = new LoopingModel();
  const limits = { prices, budget: { per_day_usd: 0.05 } };
  const agentLimits = { budget: { per_session_usd: 0.03 } };
  const options = { clock, model, session, limits, agentLimits };
  const first = harness({ store: disk.store, ...options });
  await first.sessions.start();
  const one = await newSession(first, "continue");
  await endOf(first, one);
  assert.equal(model.calls, 3);
  await first.sessions.delete(one);
  await disk.kill();

  const second = harness({ store: await disk.reopen(), ...options });
  await second.sessions.start();
  const two = await newSession(second, "continue");
  const stopped = await endOf(second, two);
  assert.equal(model.calls, 5);
  assert.match(
    stopped.content,
    /all sessions together have spent \$0\.0500 of their \$0\.05 for today \(limits\.budget\.per_day_usd of duragent\.yaml\)/,
  );
  // Stopped in good order: its sessions are not opened at the next start.
  await second.sessions.stop(0);
  await disk.kill();

  const third = harness({ store: await disk.reopen(), ...options });
  await third.sessions.start();
  // First by one that is new: a message to another would open its log.
  assert.equal((await endOf(third, await newSession(third, "continue"))).outcome, "limit_reached");
  assert.equal((await endOf(third, two)).outcome, "limit_reached");
  assert.equal(model.calls, 5);

  clock.advance(3_600_000);
  await endOf(third, two, "a new day");
  assert.equal(model.calls, 6, "of its session's three cents it had spent two");
});

test("until every log has been counted, nobody spends of a day's budget", async (t) => {
  const model = new LoopingModel();
  const limits = { prices, budget: { per_day_usd: 0.02 } };
  const running = harness({ store: await openTestStore(t), model, session, limits });
  const id = await newSession(running, "continue");
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await until("it waits", async () => (await running.sessions.get(id)).activity === "backing_off");
  assert.equal(model.calls, 0);
  await running.sessions.start();
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "ended" && answer.outcome, "limit_reached");
  assert.equal(model.calls, 2);
});

test("while a call may use up a day's budget others wait, and go on when it has cost less", async (t) => {
  const running = harness({
    store: await openTestStore(t),
    session,
    // A call may cost 10 cents for its answer alone, and costs one.
    limits: { prices, budget: { per_day_usd: 0.1 } },
  });
  await running.sessions.start();
  const held = gate();
  running.model.reply({ text: ["one"], hold: held.opened });
  const holding = running.model.holding();
  const first = await newSession(running, "continue");
  await running.sessions.send(first, { content: "go", ...message });
  await holding;
  const second = await newSession(running, "continue");
  await running.sessions.send(second, { content: "go", ...message });
  const third = await newSession(running, "continue");
  await running.sessions.send(third, { content: "go", ...message });
  await until("it waits", async () => (await running.sessions.get(third)).activity === "backing_off");
  assert.equal((await running.sessions.get(second)).activity, "backing_off");
  assert.equal(running.model.requests.length, 1);
  await running.sessions.control(third, { action: "cancel", by: "http", attached: false });
  await eventually(running, third, (event) => event.type === "turn_end" && event.outcome === "cancelled");
  held.open();
  await eventually(running, second, (event) => event.type === "turn_end" && event.outcome === "completed");
  assert.equal(running.model.requests.length, 2);
});

test("of many sessions at once, what goes over a day's budget is at most one call", async (t) => {
  const model = new LoopingModel();
  const limits = { prices, budget: { per_day_usd: 0.2 } };
  const running = harness({ store: await openTestStore(t), model, session, limits });
  await running.sessions.start();
  const ids = await Promise.all(Array.from({ length: 8 }, () => newSession(running, "continue")));
  const ends = await Promise.all(ids.map((id) => endOf(running, id)));
  assert.deepEqual([...new Set(ends.map((end) => end.outcome))], ["limit_reached"]);
  assert.equal(model.calls, 20);
});

test("a model whose price nobody knows is not asked under a budget in dollars", async (t) => {
  const running = harness({ store: await openTestStore(t), limits: { budget: { per_day_usd: 5 } } });
  await running.sessions.start();
  const answer = await endOf(running, await newSession(running, "continue"));
  assert.equal(answer.outcome, "limit_reached");
  assert.match(answer.content, /what fake\/fake-1 costs is not known.*limits\.prices: \{ "fake\/fake-1"/);
  assert.equal(running.model.requests.length, 0);
});

test("a budget of tokens needs no price, and an answer that is whole completes its turn", async (t) => {
  const model = new LoopingModel();
  const agentLimits = { budget: { per_turn_tokens: 15 } };
  const running = harness({ store: await openTestStore(t), model, session, agentLimits });
  const id = await newSession(running, "continue");
  const stopped = await endOf(running, id);
  assert.match(
    stopped.content,
    /this turn has used 15 tokens of its 15 \(limits\.budget\.per_turn_tokens of agent\.yaml\)/,
  );
  assert.equal(model.calls, 1);
  const calm = harness({ store: await openTestStore(t), agentLimits });
  assert.equal((await endOf(calm, await newSession(calm, "continue"))).outcome, "completed");
});

test("what failed tries cost counts before the next try, and a provider's budget only its own calls", async (t) => {
  const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
  const running = harness({
    store: await openTestStore(t),
    limits: { prices, retry: { max_attempts: 9, base_delay_ms: 0, max_delay_ms: 0 } },
    providerLimits: { fake: { budget: { per_session_usd: 0.02 } }, other: { budget: { per_session_usd: 0 } } },
  });
  for (let n = 0; n < 9; n += 1) running.model.reply({ fail: new ModelFailure("busy", { retryable: true, usage }) });
  const id = await newSession(running, "continue");
  const answer = await endOf(running, id);
  assert.equal(answer.outcome, "limit_reached");
  assert.match(
    answer.content,
    /this session's calls of fake have cost \$0\.0200 of their \$0\.02 \(models\.providers\.fake\.limits\.budget\.per_session_usd of duragent\.yaml\)/,
  );
  assert.equal(running.model.requests.length, 2);
  const recorded = (await eventsOf(running, id)).filter((event) => event.type === "usage_recorded");
  assert.deepEqual(
    recorded.map((event) => event.provider),
    ["fake", "fake"],
  );
});

test("what a provider does not tell is estimated, and counts", async (t) => {
  const model = new FakeModel();
  const silent: FakeModel["stream"] = async function* (request) {
    model.requests.push(request);
    yield { type: "text", text: "x".repeat(400) };
    yield { type: "finish", stop: "end" };
  };
  model.stream = silent;
  const agentLimits = { budget: { per_session_usd: 0.1 } };
  const running = harness({ store: await openTestStore(t), model, limits: { prices }, agentLimits });
  const id = await newSession(running, "continue");
  assert.equal((await endOf(running, id)).outcome, "completed");
  const recorded = (await eventsOf(running, id)).find((event) => event.type === "usage_recorded");
  assert.equal(recorded?.type === "usage_recorded" && recorded.usage.completion_tokens, 100);
  assert.equal((await endOf(running, id)).outcome, "limit_reached");
  assert.equal(model.requests.length, 1);
});

test("a summary is held to budgets and its cost counts, also when it is of no use", async (t) => {
  const agentLimits = { budget: { per_session_usd: 0.02 } };
  const running = harness({ store: await openTestStore(t), limits: { prices }, agentLimits, window: 2_000 });
  running.model.reply({ text: ["long ".repeat(4_000)] });
  const id = await newSession(running, "continue");
  assert.equal((await endOf(running, id, "first")).outcome, "completed");
  // Empty, so that it can not stand for what it summarises.
  running.model.reply({ text: [""] });
  const second = await endOf(running, id, "second");
  assert.equal(second.outcome, "limit_reached");
  assert.equal(running.model.requests.length, 2);
  const costs = (await eventsOf(running, id)).filter((event) => event.type === "usage_recorded");
  assert.equal(costs.length, 1);
});

test("a fallback that may not be asked is passed over, and the failure of the first told", async (t) => {
  const running = harness({
    store: await openTestStore(t),
    limits: { prices, retry: { max_attempts: 1 } },
    providerLimits: { second: { budget: { per_session_usd: 0 } } },
  });
  const agent = await running.parts.catalog.get("tester");
  assert.ok(agent);
  agent.definition.spec.model.fallbacks = [{ provider: "second", name: "other" }];
  const second = Object.assign(new FakeModel(), { provider: "second", name: "other" });
  const models = [running.model, second];
  running.parts.models = {
    model: async ({ provider }) => models.find((one) => one.provider === provider) ?? assert.fail(),
  };
  running.model.reply({ fail: new ModelFailure("the first is down", { retryable: true }) });
  const id = await newSession(running, "continue");
  const sent = await running.sessions.send(id, { content: "go", ...message });
  const answer = await running.sessions.answer(id, sent.messageId, patient);
  assert.equal(answer.kind === "failed" && answer.error.message, "the first is down");
  assert.equal(second.requests.length, 0);
});

test("what a session has spent that can not be written to any more counts all the same", async (t) => {
  const disk = await openRestartableStore(t);
  const model = new LoopingModel();
  const options = { model, session, limits: { prices, budget: { per_day_usd: 0.03 } } };
  const first = harness({ store: disk.store, ...options });
  await first.sessions.start();
  const id = await newSession(first, "continue");
  await endOf(first, id);
  await endOf(first, id, "a message after what is to be damaged");
  await disk.kill();
  const path = `${disk.folder}/sessions/${id}/events.jsonl`;
  const log = await readFile(path);
  // In the middle: damage that a torn write can not have done, with everything that was paid for before it.
  log[log.indexOf('"type":"turn_end"') - 200] = 0;
  await writeFile(path, log);
  const second = harness({ store: await disk.reopen(), ...options });
  await second.sessions.start();
  assert.equal((await second.sessions.get(id)).problem?.code, "session-corrupt");
  assert.equal((await endOf(second, await newSession(second, "continue"))).outcome, "limit_reached");
  assert.equal(model.calls, 3);
});
