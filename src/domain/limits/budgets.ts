import type { Limits } from "../../schema/limits.ts";

/** Who set a limit: an agent's definition, a provider of duragent.yaml, or the server as a whole. */
export type LimitLevel = {
  readonly kind: "agent" | "provider" | "server";
  /** Of the agent or provider. */
  readonly name: string;
  readonly limits: Limits | undefined;
  /** Where it is written: `agent.yaml`. */
  readonly file: string;
};

/** One budget and what has been spent of it. */
export type Budget = {
  readonly scope: "session" | "day" | "turn";
  readonly level: LimitLevel;
  readonly limit: number;
  readonly spent: number;
  readonly unit: "usd" | "tokens";
};

/** What a level has spent: an agent and the server count every call, a provider its own. */
export type SpentFigures = { sessionUsd: number; dayUsd: number; turnTokens: number };

/** Every budget that is set, the most specific level first. */
export function budgetsOf(
  levels: readonly LimitLevel[],
  figuresOf: (level: LimitLevel) => SpentFigures,
): readonly Budget[] {
  return levels.flatMap((level) => {
    const { budget } = level.limits ?? {};
    if (!budget) return [];
    const figures = figuresOf(level);
    const one = (scope: Budget["scope"], limit: number | undefined, spent: number, unit: Budget["unit"]): Budget[] =>
      limit === undefined ? [] : [{ scope, level, limit, spent, unit }];
    return [
      ...one("session", budget.per_session_usd, figures.sessionUsd, "usd"),
      ...one("day", budget.per_day_usd, figures.dayUsd, "usd"),
      ...one("turn", budget.per_turn_tokens, figures.turnTokens, "tokens"),
    ];
  });
}

/** Whether nothing is left of it, were `more` spent as well. */
export const isSpent = ({ limit, spent }: Budget, more = 0): boolean =>
  // Less than the smallest sum that is counted: 0.1 + 0.2 reaches 0.3.
  spent + more > limit - 1e-9;

/** Why a turn ends, for its user. */
export function noticeOf(budget: Budget): string {
  const { scope, level, limit, spent, unit } = budget;
  const who = spenderOf(budget);
  const verb = unit === "tokens" ? "used" : level.kind === "provider" ? "cost" : "spent";
  const amounts =
    unit === "tokens"
      ? `${grouped(spent)} tokens of ${its(budget)} ${grouped(limit)}`
      : `${dollars(spent)} of ${its(budget)} $${limit}`;
  const day = scope === "day" ? " for today" : "";
  const again = scope === "day" ? " A new day begins at 00:00 UTC." : "";
  return `Stopped: ${who} ${verb} ${amounts}${day} (${keyOf(budget)} of ${level.file}).${again}`;
}

/** Why a model whose price nobody knows is not asked while a budget in dollars holds. */
export function unpricedNotice({
  provider,
  model,
  budget,
}: {
  provider: string;
  model: string;
  budget: Budget;
}): string {
  const key = `${provider}/${model}`;
  return `Stopped: what ${key} costs is not known, so that ${keyOf(budget)} of ${budget.level.file} can not be kept. Say what it costs under limits.prices: { "${key}": { input: …, output: … } }, in US dollars per million tokens.`;
}

/** The key of a budget, as its file has it. */
export function keyOf({ scope, level }: Pick<Budget, "scope" | "level">): string {
  const key = { session: "per_session_usd", day: "per_day_usd", turn: "per_turn_tokens" }[scope];
  const path = level.kind === "provider" ? `models.providers.${level.name}.limits` : "limits";
  return `${path}.budget.${key}`;
}

function spenderOf({ scope, level }: Budget): string {
  if (level.kind === "provider") {
    if (scope === "day") return `the calls of ${level.name} have`;
    return `this ${scope}'s calls of ${level.name} have`;
  }
  if (scope !== "day") return `this ${scope} has`;
  return level.kind === "agent" ? `the sessions of ${level.name} have` : "all sessions together have";
}

const its = ({ scope, level }: Budget): string => (scope === "day" || level.kind === "provider" ? "their" : "its");

const dollars = (usd: number): string => `$${usd === 0 || usd >= 0.01 ? usd.toFixed(4) : usd.toFixed(8)}`;

const grouped = (count: number): string => String(count).replace(/\B(?=(\d{3})+$)/g, ",");
