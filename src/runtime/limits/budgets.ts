import {
  budgetsOf,
  isSpent,
  noticeOf,
  unpricedNotice,
  type Budget,
  type LimitLevel,
  type SpentFigures,
} from "../../domain/limits/budgets.ts";
import { costOf, sumOf } from "../../domain/limits/spending.ts";
import type { Price } from "../../domain/model/price-table.ts";
import type { SessionState } from "../../domain/session/state.ts";
import type { DeletedSpending } from "../../schema/deleted-spending.ts";
import type { SessionId } from "../../schema/ids.ts";
import { DayLedger, type Spender } from "./day-ledger.ts";
import type { AgentInForce, LivingSession } from "../living-session.ts";
import { priceFor } from "../model-calls/model-limits.ts";
import type { RuntimeParts } from "../parts.ts";

/** A model by the names under which it is paid. */
export type PaidModel = { provider: string; model: string };

/** What a call that is being made may cost, and what its tries have cost that are not in the log yet. */
export type Hold = {
  agent: string;
  /** Who is being asked. */
  provider: string;
  estimateUsd: number;
  /** By provider. */
  unrecordedUsd: Record<string, number>;
  unrecordedTokens: Record<string, number>;
};

/** `wait`: others that are being made may use up what is left of this budget. */
export type Verdict =
  | { kind: "go" }
  | { kind: "spent"; notice: string; own: boolean }
  | { kind: "wait"; budget: Budget };

/** Holds sessions to their budgets: what is spent comes from the logs, what is about to be spent is reserved here. */
export class Budgets {
  private readonly parts: RuntimeParts;
  private readonly ledger: DayLedger;
  private readonly holds = new Set<Hold>();
  private readonly refused = new WeakMap<LivingSession, { turnId: string; notice: string }>();
  private readonly settled = new Set<() => void>();
  private isCounted = false;

  constructor(parts: RuntimeParts) {
    this.parts = parts;
    this.ledger = new DayLedger(parts.clock, parts.metrics);
  }

  /** Counts what a session's log says; called whenever it was opened or has changed. */
  saw(id: SessionId, state: SessionState): void {
    if (state.spending.days.length > 0) this.ledger.saw(id, { agent: payerOf(state), days: state.spending.days });
  }

  sawDeleted(id: SessionId, spent: DeletedSpending): void {
    this.ledger.saw(id, spent);
  }

  /** Every log has been counted: from now on the sums of today are known. */
  counted(): void {
    this.isCounted = true;
    this.changed();
  }

  /** Why the open turn may not ask its model again, for its user; nothing if it may. */
  notice(session: LivingSession): string | null {
    const { turn } = session.tail;
    if (!turn || !session.inForce) return null;
    const refused = this.refused.get(session);
    if (refused?.turnId === turn.id) return refused.notice;
    const { provider, name: model } = session.inForce.agent.definition.spec.model;
    return this.stop(session, session.inForce, { provider, model }, null)?.notice ?? null;
  }

  /** What `notice` says of the open turn from now on. */
  refuse(session: LivingSession, notice: string): void {
    const { turn } = session.tail;
    if (turn) this.refused.set(session, { turnId: turn.id, notice });
  }

  /** Whether a call may start now: `spent + reserved by others` is less than every budget. */
  judge(session: LivingSession, inForce: AgentInForce, of: PaidModel, hold: Hold): Verdict {
    const budgets = this.budgets(session.tail, inForce, [of.provider]);
    const needsDay = budgets.find((budget) => budget.scope === "day");
    if (needsDay && !this.isCounted) return { kind: "wait", budget: needsDay };
    const stop = this.stop(session, inForce, of, hold);
    if (stop) return { kind: "spent", ...stop };
    const tight = budgets.find((budget) =>
      isSpent(budget, this.unrecorded(budget, hold) + this.reserved(budget, hold)),
    );
    return tight ? { kind: "wait", budget: tight } : { kind: "go" };
  }

  /** Keeps what a call may cost until it is let go of. */
  keep(hold: Hold): void {
    this.holds.add(hold);
  }

  letGo(hold: Hold): void {
    if (this.holds.delete(hold)) this.changed();
  }

  /** Calls back once something was settled, in the order of asking; the answer takes it back. */
  onSettled(callback: () => void): () => void {
    this.settled.add(callback);
    return () => this.settled.delete(callback);
  }

  /** Whether any budget in dollars, or in tokens, holds for this model. */
  inForce(session: LivingSession, inForce: AgentInForce, of: PaidModel): boolean {
    return this.budgets(session.tail, inForce, [of.provider]).length > 0;
  }

  priceOf(inForce: AgentInForce, of: PaidModel): Price | undefined {
    return priceFor(this.parts, inForce, of);
  }

  /** Every budget that holds for a session, with what has been spent of it. */
  view(session: LivingSession): readonly Budget[] {
    if (!session.inForce) return [];
    const { fallbacks, ...first } = session.inForce.agent.definition.spec.model;
    const providers = new Set([first, ...fallbacks].map(({ provider }) => provider));
    return this.budgets(session.log.durable, session.inForce, [...providers]);
  }

  /** `own`: a limit of this provider, or its model's price; another provider's model may be asked. */
  private stop(
    session: LivingSession,
    inForce: AgentInForce,
    of: PaidModel,
    hold: Hold | null,
  ): { notice: string; own: boolean } | null {
    const budgets = this.budgets(session.tail, inForce, [of.provider]);
    const withUnrecorded = hold
      ? budgets.map((budget) => ({ ...budget, spent: budget.spent + this.unrecorded(budget, hold) }))
      : budgets;
    const spent = withUnrecorded.find((budget) => isSpent(budget));
    if (spent) return { notice: noticeOf(spent), own: spent.level.kind === "provider" };
    const inDollars = budgets.find((budget) => budget.unit === "usd");
    if (!inDollars || this.priceOf(inForce, of)) return null;
    return { notice: unpricedNotice({ ...of, budget: inDollars }), own: true };
  }

  private budgets(state: SessionState, inForce: AgentInForce, providers: readonly string[]): readonly Budget[] {
    const { limits, providerLimits } = this.parts.settings();
    const agentLimits = inForce.agent.definition.spec.limits;
    // Asked at every step of every session: most have none.
    const isLimited = [limits, agentLimits, ...providers.map((name) => providerLimits(name))].some(
      (one) => one?.budget !== undefined,
    );
    if (!isLimited) return [];
    const agentFile = state.agentSpec === undefined ? "agent.yaml" : "the session's agent_spec";
    const levels: LimitLevel[] = [
      { kind: "agent", name: payerOf(state), limits: agentLimits, file: agentFile },
      ...providers.map((name) => ({
        kind: "provider" as const,
        name,
        limits: providerLimits(name),
        file: "duragent.yaml",
      })),
      { kind: "server", name: "", limits, file: "duragent.yaml" },
    ];
    for (const level of levels) this.ledger.meterLimit(level, level.limits?.budget?.per_day_usd);
    return budgetsOf(levels, (level) => this.figures(state, level));
  }

  private figures(state: SessionState, { kind, name }: LimitLevel): SpentFigures {
    const { spending, turn } = state;
    if (kind === "provider")
      return {
        sessionUsd: costOf(spending.total, name),
        dayUsd: this.ledger.today({ kind, name }),
        turnTokens: costOf(turn?.tokens ?? {}, name),
      };
    const spender: Spender = kind === "agent" ? { kind, name } : { kind };
    return {
      sessionUsd: sumOf(spending.total),
      dayUsd: this.ledger.today(spender),
      turnTokens: turn?.usage.total_tokens ?? 0,
    };
  }

  /** What tries have cost that stand in no log yet: this call's, and of a day's budget everybody's. */
  private unrecorded(budget: Budget, own: Hold): number {
    const sums = (hold: Hold) => (budget.unit === "usd" ? hold.unrecordedUsd : hold.unrecordedTokens);
    const others = budget.scope === "day" ? this.others(budget, own) : [];
    const { kind, name } = budget.level;
    const of = (hold: Hold): number => (kind === "provider" ? costOf(sums(hold), name) : sumOf(sums(hold)));
    return [own, ...others].reduce((sum, hold) => sum + of(hold), 0);
  }

  /** What calls of other sessions may still take from it; a session has one call at a time. */
  private reserved(budget: Budget, own: Hold): number {
    if (budget.scope !== "day") return 0;
    const { kind, name } = budget.level;
    return this.others(budget, own)
      .filter((hold) => kind !== "provider" || hold.provider === name)
      .reduce((sum, hold) => sum + hold.estimateUsd, 0);
  }

  private others({ level }: Budget, own: Hold): Hold[] {
    return [...this.holds].filter((hold) => hold !== own && (level.kind !== "agent" || hold.agent === level.name));
  }

  private changed(): void {
    const waiting = [...this.settled];
    this.settled.clear();
    for (const callback of waiting) callback();
  }
}

/** Whose day a session spends: one with a definition of its own is not the agent that its name may be that of. */
export const payerOf = ({ agent, agentSpec }: Pick<SessionState, "agent" | "agentSpec">): string =>
  agentSpec === undefined ? agent : `${agent} (agent_spec)`;
