import type { Mutant } from "../mutant.ts";

const budgets = "test/runtime/limits/budgets.test.ts";
const rates = "test/runtime/limits/rates.test.ts";

/** Faults put into limits; each must turn its test red. */
export const limitMutants: readonly Mutant[] = [
  {
    name: "a restart forgets what was spent today",
    file: "src/runtime/sessions.ts",
    find: "    if (state) budgets.saw(summary.sessionId, state);\n",
    replace: "",
    test: budgets,
  },
  {
    name: "a restart forgets what deleted sessions have spent today",
    file: "src/runtime/session-lifecycle.ts",
    find: "await store.delete(id, spentBy(session.log.durable));",
    replace: "await store.delete(id);",
    test: budgets,
  },
  {
    name: "budgets are checked only at the turn's start",
    file: "src/runtime/limits/budgets.ts",
    find: "if (!turn || !session.inForce) return null;",
    replace: "if (!turn || !session.inForce || turn.responses > 0) return null;",
    test: budgets,
  },
  {
    name: "calls go on before the logs have been counted",
    file: "src/runtime/limits/budgets.ts",
    find: "if (needsDay && !this.isCounted)",
    replace: "if (needsDay && this.isCounted === null)",
    test: budgets,
  },
  {
    name: "nothing is reserved for a call in flight",
    file: "src/runtime/limits/call-gate.ts",
    find: "        budgets.keep(this.hold);\n",
    replace: "",
    test: budgets,
  },
  {
    name: "what a failed try cost does not count for the next",
    file: "src/runtime/limits/call-gate.ts",
    find: "unrecordedUsd[of.provider] = (unrecordedUsd[of.provider] ?? 0) + usd;",
    replace: "",
    test: budgets,
  },
  {
    name: "a price that is not known is nothing",
    file: "src/runtime/limits/budgets.ts",
    find: "if (!inDollars || this.priceOf(inForce, of)) return null;",
    replace: "if (inDollars || !inDollars) return null;",
    test: budgets,
  },
  {
    name: "a fork pays again for what it copied",
    file: "src/domain/limits/spending.ts",
    find: "state.parent !== undefined && event.epoch === 0",
    replace: "false",
    test: "test/domain/limits/spending.test.ts",
  },
  {
    name: "a day's sum goes on over midnight",
    file: "src/runtime/limits/day-ledger.ts",
    find: "const sums = this.sums.get(dayOf(this.clock.now()));",
    replace: "const sums = [...this.sums.values()][0];",
    test: budgets,
  },
  {
    name: "who waits for a rate can not be cancelled",
    file: "src/runtime/limits/rates.ts",
    find: 'request.signal.addEventListener("abort", onAbort, { once: true });',
    replace: "",
    test: rates,
  },
  {
    name: "waiting for a rate counts against llm_timeout_seconds",
    file: "src/runtime/model-calls/model-call.ts",
    find: "deadlineMs += clock.monotonic() - askedAtMs;",
    replace: "",
    test: rates,
  },
  {
    name: "a repeated message is limited again",
    file: "src/runtime/session-commands.ts",
    find: '    if (unfit || accepted.kind === "refused") {',
    replace: '    if (accepted.kind === "refused") {',
    test: "test/surfaces/http/inbound-limits.test.ts",
  },
  {
    name: "whoever comes is counted for ever",
    file: "src/adapters/rates/memory-counters.ts",
    find: "maxSize: keysMax",
    replace: "maxSize: 2 * keysMax",
    test: "test/adapters/rates/memory-counters.test.ts",
  },
  {
    name: "what is seen again of a session is counted again",
    file: "src/runtime/limits/day-ledger.ts",
    find: "const more = usd - costOf(before, provider);",
    replace: "const more = usd + 0 * costOf(before, provider);",
    test: "test/runtime/limits/day-ledger.test.ts",
  },
  {
    name: "a restart forgets a day that a clock was set back to",
    file: "src/domain/limits/spending.ts",
    find: "const daysKept = 3;",
    replace: "const daysKept = 2;",
    test: "test/runtime/limits/day-ledger.test.ts",
  },
];
