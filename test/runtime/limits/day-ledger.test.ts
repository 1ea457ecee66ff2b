import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { evolve } from "../../../src/domain/session/evolve.ts";
import { initialState, type SessionState } from "../../../src/domain/session/state.ts";
import { DayLedger } from "../../../src/runtime/limits/day-ledger.ts";
import type { SessionId } from "../../../src/schema/ids.ts";
import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { quietMetrics } from "../../support/runtime-harness.ts";

const hourMs = 3_600_000;
const start = Date.UTC(2026, 0, 1, 12);
const agents = ["ann", "bob"] as const;

type Move =
  | { do: "pay"; session: number; provider: string; cents: number }
  /** Its state is read back from a snapshot, as when it was closed meanwhile. */
  | { do: "reopen"; session: number }
  /** It is gone; what it has spent is not. */
  | { do: "delete"; session: number }
  | { do: "restart" }
  /** Back by less than a day from the latest that it has been. */
  | { do: "clock"; hours: number };

const session = fc.nat(3);
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("pay" as const),
      session,
      provider: fc.constantFrom("anthropic", "openai"),
      cents: fc.integer({ min: 1, max: 300 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("reopen" as const), session }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("delete" as const), session }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("clock" as const), hours: fc.constantFrom(1, 7, 13, 30, -8) }) },
);

const idOf = (n: number) => `session_${String(n).padStart(26, "0")}` as SessionId;
const readBack = <Value>(value: Value): Value => JSON.parse(JSON.stringify(value)) as Value;

/** A ledger beside a plain sum of all that was ever paid on each day. */
class Books {
  now = start;
  latest = start;
  ledger = this.open();
  readonly states = new Map<SessionId, SessionState>();
  readonly deleted = new Map<SessionId, { agent: string; days: SessionState["spending"]["days"] }>();
  readonly paid: { day: string; agent: string; provider: string; cents: number }[] = [];
  private lives = 0;
  private readonly ids = [0, 1, 2, 3].map(idOf);

  open(): DayLedger {
    return new DayLedger({ ...createSystemClock(), now: () => this.now }, quietMetrics);
  }

  idAt(n: number): SessionId {
    return this.ids[n] ?? idOf(n);
  }

  agentOf(n: number): (typeof agents)[number] {
    return agents[n % 2] ?? "ann";
  }

  make(one: Move): void {
    switch (one.do) {
      case "pay":
        return this.pay(one);
      case "reopen": {
        const state = this.states.get(this.idAt(one.session));
        if (state) this.see(one.session, readBack(state));
        return;
      }
      case "delete": {
        const id = this.idAt(one.session);
        const spent = { agent: this.agentOf(one.session), days: this.states.get(id)?.spending.days ?? [] };
        if (this.states.delete(id)) this.deleted.set(id, readBack(spent));
        this.lives += 1;
        this.ids[one.session] = idOf(one.session + 4 * this.lives);
        return;
      }
      case "restart":
        this.ledger = this.open();
        for (const [id, spent] of this.deleted) this.ledger.saw(id, spent);
        for (const n of [0, 1, 2, 3]) this.make({ do: "reopen", session: n });
        return;
      case "clock":
        this.now = Math.max(this.now + one.hours * hourMs, this.latest - 23 * hourMs);
        this.latest = Math.max(this.latest, this.now);
    }
  }

  today(of: (one: Books["paid"][number]) => boolean): number {
    const day = new Date(this.now).toISOString().slice(0, 10);
    return this.paid.filter((one) => one.day === day && of(one)).reduce((sum, { cents }) => sum + cents, 0) / 100;
  }

  private pay({ session: n, provider, cents }: Extract<Move, { do: "pay" }>): void {
    const before = this.states.get(this.idAt(n)) ?? initialState;
    const timestamp = new Date(this.now).toISOString();
    const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2, cost_usd: cents / 100 };
    const seq = before.seq + 1;
    this.see(
      n,
      evolve(before, { seq, timestamp, epoch: 1, type: "usage_recorded", provider, model: "m", usage, reason: "r" }),
    );
    this.paid.push({ day: timestamp.slice(0, 10), agent: this.agentOf(n), provider, cents });
  }

  private see(n: number, state: SessionState): void {
    this.states.set(this.idAt(n), state);
    this.ledger.saw(this.idAt(n), { agent: this.agentOf(n), days: state.spending.days });
  }
}

test("a day's sums are what was paid on it, to the cent, whatever is closed, deleted or restarted and however the clock jumps", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 60, size: "max" }), (moves) => {
      const books = new Books();
      for (const one of moves) {
        books.make(one);
        assert.equal(
          books.ledger.today({ kind: "server" }),
          books.today(() => true),
        );
        for (const name of agents)
          assert.equal(
            books.ledger.today({ kind: "agent", name }),
            books.today(({ agent }) => agent === name),
          );
        assert.equal(
          books.ledger.today({ kind: "provider", name: "openai" }),
          books.today(({ provider }) => provider === "openai"),
        );
      }
    }),
    { numRuns: 300 },
  );
});
