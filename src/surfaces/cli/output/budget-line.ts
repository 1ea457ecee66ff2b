import type { ShownBudget } from "../server/api.ts";

/** A budget in a line: `$0.0200 of $5 a session (agent demo)`. */
export function budgetLine({ scope, level, name, limit, spent, unit }: ShownBudget): string {
  const amounts = unit === "usd" ? `$${spent.toFixed(4)} of $${limit}` : `${spent} of ${limit} tokens`;
  const whose = name === undefined ? level : `${level} ${name}`;
  return `${amounts} a ${scope} (${whose})`;
}
