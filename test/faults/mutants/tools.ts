import type { Mutant } from "../mutant.ts";

const performing = "src/runtime/perform-tools.ts";
const running = "test/runtime/tools.test.ts";

/** Faults put into how calls are started, repeated and counted; each must turn its test red. */
export const toolMutants: readonly Mutant[] = [
  {
    name: "a tool runs before its start is durable",
    file: performing,
    find: "  await appended.durable;\n",
    replace: "",
    test: running,
  },
  {
    name: "a call that is repeated gets another key",
    file: performing,
    find: "state.idempotencyKey ?? `${session.id}",
    replace: "`${state.attempt}.${session.id}",
    test: "test/runtime/recovery.test.ts",
  },
  {
    name: "a tool that does not stop holds its turn for ever",
    file: performing,
    find: "await Promise.race([result, givenUp])",
    replace: "await result",
    test: running,
  },
  {
    name: "an interrupted command is run again, in the real program",
    file: "src/domain/session/next-turn-step.ts",
    find: 'context.limits.onInterruptedTool === "retry" ? "rerun" : "interrupted"',
    replace: '"rerun"',
    test: "test/scenarios/interrupted-tools.test.ts",
  },
  {
    name: "a turn may call its model once more than max_tool_iterations",
    file: "src/domain/session/next-turn-step.ts",
    find: "turn.responses >= limits.maxToolIterations",
    replace: "turn.responses > limits.maxToolIterations",
    test: "test/faults/tools.test.ts",
    only: "endless",
  },
  {
    name: "the processes of a call are not limited",
    file: "src/adapters/sandboxes/limits.ts",
    find: '{ flag: "nproc", row: "Max processes", max: processesMax }',
    replace: '{ flag: "nproc", row: "Max processes", max: 8 * processesMax }',
    test: "test/adapters/sandboxes/bubblewrap.test.ts",
  },
  {
    name: "one approval lets an unsafe call run as often as it is interrupted",
    file: "src/domain/session/next-turn-step.ts",
    find: 'if (context.limits.onInterruptedTool === "ask") return ask(state, call, turn, context);',
    replace:
      'if (context.limits.onInterruptedTool === "ask") return call.attempt > 1 ? { type: "recover_tool", call, how: "rerun" } : ask(state, call, turn, context);',
    test: "test/domain/session/small-histories.test.ts",
  },
  {
    name: "an unsafe call runs again after a crash, in generated histories",
    file: "src/domain/session/next-turn-step.ts",
    find: 'context.limits.onInterruptedTool === "retry" ? "rerun" : "interrupted"',
    replace: '"rerun"',
    test: "test/domain/session/engine.property.test.ts",
  },
  {
    name: "who came while tools were looked for is told for ever that they are",
    file: "src/runtime/prepare-tools.ts",
    find: "if (hasWaited || session.hasUntoldProblems)",
    replace: "if (session.hasUntoldProblems)",
    test: "test/runtime/prepare-tools.test.ts",
  },
];
