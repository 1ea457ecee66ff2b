import { costOf, dayOf, roundUsd, type Costs, type Spending } from "../../domain/limits/spending.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Metrics } from "../../ports/telemetry.ts";
import type { DeletedSpending } from "../../schema/deleted-spending.ts";
import type { SessionId } from "../../schema/ids.ts";

/** Whose money: of all sessions, of one agent's, or what one provider was paid. */
export type Spender = { kind: "server" } | { kind: "agent" | "provider"; name: string };

type DaySums = { all: number; agent: Map<string, number>; provider: Map<string, number> };

const msPerDay = 86_400_000;
/** Days whose sums are kept: more than a clock that is set back and forth can need. */
const daysMax = 32;
/** Agents and providers that have a metric of their own. */
const metersMax = 1_000;

/**
 * What all sessions have spent by day (UTC), summed from what their logs say. A sum never shrinks: what was seen of a
 * session counts once, however often it is opened, and stays when its log can no longer be read.
 */
export class DayLedger {
  private readonly clock: Clock;
  private readonly metrics: Metrics;
  /** By day, then by session: what has been added to the sums. */
  private readonly seen = new Map<string, Map<SessionId, Costs>>();
  private readonly sums = new Map<string, DaySums>();
  private readonly last = new Map<SessionId, Spending["days"]>();
  private readonly metered = new Set<string>();
  private readonly limits = new Map<string, number>();

  constructor(clock: Clock, metrics: Metrics) {
    this.clock = clock;
    this.metrics = metrics;
    this.meter({ kind: "server" });
  }

  /** Adds what is new in a session's spending. */
  saw(id: SessionId, { agent, days }: { agent: string; days: Spending["days"] } | DeletedSpending): void {
    if (days.length === 0 || this.last.get(id) === days) return;
    const oldest = dayOf(this.clock.now() - msPerDay);
    const recent = days.filter((one) => one.day >= oldest);
    if (recent.length === 0) return;
    this.last.set(id, days);
    for (const { day, costs } of recent) this.add(id, agent, day, costs);
  }

  /** US dollars spent today. */
  today(spender: Spender): number {
    const sums = this.sums.get(dayOf(this.clock.now()));
    if (!sums) return 0;
    return spender.kind === "server" ? sums.all : (sums[spender.kind].get(spender.name) ?? 0);
  }

  /** Shows a level's limit of a day beside what it has spent; NaN once it has none any more. */
  meterLimit({ kind: level, name }: { kind: Spender["kind"]; name: string }, usd: number | undefined): void {
    const key = JSON.stringify([level, name]);
    const isShown = this.limits.has(key);
    if (!isShown && (usd === undefined || this.limits.size >= metersMax)) return;
    this.limits.set(key, usd ?? Number.NaN);
    const read = (): number => this.limits.get(key) ?? Number.NaN;
    if (!isShown) this.metrics.gauge("duragent_budget_per_day_usd", read, { level, name });
  }

  private add(id: SessionId, agent: string, day: string, costs: Costs): void {
    const sums = this.sums.get(day) ?? this.openDay(day);
    const seen = this.seen.get(day) ?? new Map<SessionId, Costs>();
    this.seen.set(day, seen);
    const before = seen.get(id) ?? {};
    for (const [provider, usd] of Object.entries(costs)) {
      const more = usd - costOf(before, provider);
      if (more <= 0) continue;
      sums.all = roundUsd(sums.all + more);
      for (const spender of [
        { kind: "agent", name: agent },
        { kind: "provider", name: provider },
      ] as const) {
        sums[spender.kind].set(spender.name, roundUsd((sums[spender.kind].get(spender.name) ?? 0) + more));
        this.meter(spender);
      }
    }
    const larger = Object.entries(costs).filter(([provider, usd]) => usd > costOf(before, provider));
    seen.set(id, { ...before, ...Object.fromEntries(larger) });
  }

  private openDay(day: string): DaySums {
    const sums: DaySums = { all: 0, agent: new Map(), provider: new Map() };
    this.sums.set(day, sums);
    const yesterday = dayOf(this.clock.now() - msPerDay);
    // What each session has spent is needed only while it may spend more on that day.
    for (const past of this.seen.keys()) if (past < yesterday) this.seen.delete(past);
    for (const [id, days] of this.last) if (days.every((one) => one.day < yesterday)) this.last.delete(id);
    const oldest = [...this.sums.keys()].toSorted()[0];
    if (this.sums.size > daysMax && oldest !== undefined) this.sums.delete(oldest);
    return sums;
  }

  private meter(spender: Spender): void {
    const labels = { level: spender.kind, name: spender.kind === "server" ? "" : spender.name };
    const key = JSON.stringify(labels);
    if (this.metered.has(key) || this.metered.size >= metersMax) return;
    this.metered.add(key);
    this.metrics.gauge("duragent_spent_today_usd", () => this.today(spender), labels);
  }
}
