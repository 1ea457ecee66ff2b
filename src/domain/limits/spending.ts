import type { SessionEvent, Usage } from "../../schema/session-event.ts";
import type { SessionState } from "../session/state.ts";

/** US dollars by the name of the provider that was paid. */
export type Costs = Readonly<Record<string, number>>;

/** What a session's model calls have cost: in all, and on the newest days (UTC, `2026-01-31`) that it paid for something. */
export type Spending = {
  readonly total: Costs;
  readonly days: readonly { readonly day: string; readonly costs: Costs }[];
};

export const noSpending: Spending = { total: {}, days: [] };

// Today, yesterday, where a clock that is set back over midnight finds what it had counted, and the day before, where it
// may have been set back to while today was yesterday.
const daysKept = 3;
/** Events of programs that did not write who was paid. */
const unnamed = "unknown";

/** The day of a time (ms since 1970), in UTC. */
export const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** To a hundredth of a millionth of a dollar: sums stay free of what binary fractions leave behind. */
export const roundUsd = (usd: number): number => Math.round(usd * 1e8) / 1e8;

export const sumOf = (costs: Costs): number => roundUsd(Object.values(costs).reduce((sum, usd) => sum + usd, 0));

export const costOf = (costs: Costs, provider: string): number =>
  Object.hasOwn(costs, provider) ? (costs[provider] ?? 0) : 0;

export const costsOn = ({ days }: Spending, day: string): Costs => days.find((one) => one.day === day)?.costs ?? {};

/** The state after what an event says that it cost: money by provider and day, and the open turn's tokens. */
export function charged(state: SessionState, event: SessionEvent): SessionState {
  const payment = paymentOf(event);
  // A fork begins with copies, made under no lease: another session has paid for them.
  if (!payment || (state.parent !== undefined && event.epoch === 0)) return state;
  const { provider, usage } = payment;
  const usd = usage.cost_usd ?? 0;
  const spending =
    usd > 0 ? spend(state.spending, { provider, usd, day: event.timestamp.slice(0, 10) }) : state.spending;
  if (!state.turn) return { ...state, spending };
  const { tokens } = state.turn;
  const used = costOf(tokens, provider) + usage.total_tokens;
  return { ...state, spending, turn: { ...state.turn, tokens: { ...tokens, [provider]: used } } };
}

function paymentOf(event: SessionEvent): { provider: string; usage: Usage } | null {
  switch (event.type) {
    case "assistant_response":
    case "usage_recorded":
    case "context_compacted":
      return event.usage ? { provider: event.provider ?? unnamed, usage: event.usage } : null;
    default:
      return null;
  }
}

function spend(spending: Spending, paid: { provider: string; usd: number; day: string }): Spending {
  const costs = plus(costsOn(spending, paid.day), paid);
  const others = spending.days.filter((one) => one.day !== paid.day);
  return {
    total: plus(spending.total, paid),
    days: [...others, { day: paid.day, costs }].slice(-daysKept),
  };
}

const plus = (costs: Costs, { provider, usd }: { provider: string; usd: number }): Costs => ({
  ...costs,
  [provider]: roundUsd(costOf(costs, provider) + usd),
});
