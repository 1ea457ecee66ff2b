import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { budgetsOf, isSpent, noticeOf, type LimitLevel } from "../../../src/domain/limits/budgets.ts";
import { charged, costsOn, sumOf } from "../../../src/domain/limits/spending.ts";
import { evolve } from "../../../src/domain/session/evolve.ts";
import { forkEvents } from "../../../src/domain/session/fork.ts";
import { initialState, type SessionState } from "../../../src/domain/session/state.ts";
import type { SessionId } from "../../../src/schema/ids.ts";
import type { SessionEvent, Usage } from "../../../src/schema/session-event.ts";

const start = Date.UTC(2026, 0, 1, 12);
const hourMs = 3_600_000;

type Paid = { kind: "assistant_response" | "usage_recorded" | "context_compacted"; provider: string; cents: number };

function eventOf({ kind, provider, cents }: Paid, seq: number, at: number): SessionEvent {
  const usage: Usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2, cost_usd: cents / 100 };
  const base = { seq, timestamp: new Date(at).toISOString(), epoch: 1, provider, model: "m", usage };
  if (kind === "usage_recorded") return { ...base, type: kind, reason: "failed attempt" };
  if (kind === "context_compacted") return { ...base, type: kind, through_seq: 1, summary: "s" };
  return {
    ...base,
    type: kind,
    agent: "a",
    content: "",
    message_id: `msg_${"0".repeat(26)}` as never,
    through_seq: 1,
    stop_reason: "end",
    request_digest: "",
    latency_ms: 0,
    first_token_ms: 0,
    attempts: 1,
  };
}

const paid: fc.Arbitrary<Paid & { afterMs: number }> = fc.record({
  kind: fc.constantFrom("assistant_response", "usage_recorded", "context_compacted"),
  provider: fc.constantFrom("anthropic", "openai", "__proto__"),
  cents: fc.nat(500),
  afterMs: fc.constantFrom(0, 60_000, hourMs, 6 * hourMs),
});

const logOf = (payments: readonly (Paid & { afterMs: number })[]): SessionEvent[] => {
  let at = start;
  return payments.map((one, index) => eventOf(one, index + 1, (at += one.afterMs)));
};

test("what a session has spent never shrinks, on any prefix and through any snapshot", () => {
  fc.assert(
    fc.property(fc.array(paid, { maxLength: 40 }), fc.nat(), (payments, cut) => {
      const log = logOf(payments);
      let state: SessionState = initialState;
      let before = 0;
      for (const event of log) {
        state = evolve(state, event);
        const now = sumOf(state.spending.total);
        assert.ok(now >= before);
        before = now;
      }
      const cents = payments.reduce((sum, one) => sum + one.cents, 0);
      assert.equal(before, Math.round(cents) / 100);
      const at = log.length === 0 ? 0 : cut % log.length;
      const snapshot: SessionState = JSON.parse(JSON.stringify(log.slice(0, at).reduce(evolve, initialState)));
      assert.deepEqual(log.slice(at).reduce(evolve, snapshot).spending, state.spending);
    }),
  );
});

test("the newest days are known by themselves, each to the cent", () => {
  fc.assert(
    fc.property(fc.array(paid, { maxLength: 40 }), (payments) => {
      const log = logOf(payments);
      const state = log.reduce(evolve, initialState);
      const byDay = new Map<string, number>();
      let index = 0;
      for (const event of log) {
        const cents = payments[index++]?.cents ?? 0;
        const day = event.timestamp.slice(0, 10);
        if (cents > 0) byDay.set(day, (byDay.get(day) ?? 0) + cents);
      }
      for (const [day, cents] of [...byDay].slice(-3)) assert.equal(sumOf(costsOn(state.spending, day)), cents / 100);
      assert.ok(state.spending.days.length <= 3);
    }),
  );
});

test("a clock that is set back over midnight finds what was spent there", () => {
  const one: Paid = { kind: "assistant_response", provider: "p", cents: 1 };
  const log = [eventOf(one, 1, start), eventOf(one, 2, start + 24 * hourMs), eventOf(one, 3, start)];
  const { spending } = log.reduce(evolve, initialState);
  assert.equal(sumOf(costsOn(spending, "2026-01-01")), 0.02);
  assert.equal(sumOf(costsOn(spending, "2026-01-02")), 0.01);
});

test("a fork has paid for nothing of what it copied", () => {
  const id = "session_00000000000000000000000001" as SessionId;
  const began: SessionEvent = {
    seq: 1,
    timestamp: new Date(start).toISOString(),
    type: "session_start",
    format: 1,
    session_id: id,
    agent: "a",
    on_disconnect: "pause",
  };
  const answered = eventOf({ kind: "assistant_response", provider: "p", cents: 5 }, 2, start);
  const ended: SessionEvent = {
    seq: 3,
    timestamp: began.timestamp,
    epoch: 1,
    type: "turn_end",
    outcome: "completed",
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  };
  const drafts = forkEvents([began, answered, ended], { sessionId: id, timestamp: began.timestamp, atSeq: 3 });
  // As a store places the first events of a session: under no lease.
  const copies = drafts.map((draft, index): SessionEvent => ({ ...draft, seq: index + 1, epoch: 0 }));
  const forked = copies.reduce(evolve, initialState);
  assert.equal(forked.usage.cost_usd, 0.05);
  assert.deepEqual(forked.spending, initialState.spending);
  assert.equal(sumOf(charged(forked, { ...answered, seq: 9 }).spending.total), 0.05);
});

test("the tightest budget is the first to be spent, and its notice says which it is", () => {
  const levels: LimitLevel[] = [
    { kind: "agent", name: "demo", limits: { budget: { per_day_usd: 1 } }, file: "agent.yaml" },
    { kind: "provider", name: "openai", limits: { budget: { per_turn_tokens: 100_000 } }, file: "duragent.yaml" },
    { kind: "server", name: "", limits: { budget: { per_session_usd: 0.3 } }, file: "duragent.yaml" },
  ];
  const budgets = budgetsOf(levels, () => ({ sessionUsd: 0.1 + 0.2, dayUsd: 0.9, turnTokens: 123_456 }));
  assert.deepEqual(budgets.filter((budget) => isSpent(budget)).map(noticeOf), [
    "Stopped: this turn's calls of openai have used 123,456 tokens of their 100,000 (models.providers.openai.limits.budget.per_turn_tokens of duragent.yaml).",
    "Stopped: this session has spent $0.3000 of its $0.3 (limits.budget.per_session_usd of duragent.yaml).",
  ]);
  assert.ok(budgets[0] && isSpent(budgets[0], 0.1));
});
