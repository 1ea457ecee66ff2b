import { terminalLine } from "../../../domain/terminal-text.ts";
import type { ShownApproval, ShownSession } from "../server/api.ts";
import { budgetLine } from "./budget-line.ts";

const keyWidth = 18;

/** All about a session, a fact a line. */
export function sessionFacts(session: ShownSession): string {
  const {
    budgets = [],
    pending_approvals: questions = [],
    usage,
    problem,
    gateway: chat,
    tool_problems: lacks = [],
    ...facts
  } = session;
  const rows = Object.entries(facts).map(([key, value]): [string, string] => [
    key,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  rows.push(["usage", usageLine(usage)]);
  if (chat !== undefined) rows.push(["chat", `${chat.name} ${chat.chat_id} (${chat.chat_type})`]);
  if (problem !== undefined) rows.push(["problem", `${problem.code}: ${problem.detail}`]);
  for (const lack of lacks) rows.push(["tool problem", lack]);
  for (const question of questions) rows.push(["waits for", questionLine(question)]);
  for (const budget of budgets) rows.push(["budget", budgetLine(budget)]);
  return rows.map(([key, value]) => `${terminalLine(key).padEnd(keyWidth)} ${terminalLine(value)}\n`).join("");
}

function usageLine({
  prompt_tokens: read,
  completion_tokens: written,
  total_tokens: all,
  ...usage
}: ShownSession["usage"]) {
  const money = usage.cost_usd === undefined ? "" : `, $${usage.cost_usd.toFixed(4)}`;
  return `${all} tokens (${read} read, ${written} written)${money}`;
}

function questionLine({ tool_name: tool, command, requested_at: since, expires_at: until }: ShownApproval): string {
  return `an answer whether ${tool} may run: ${command} (asked ${since}${until === undefined ? "" : `, until ${until}`})`;
}
