import type { Mutant } from "../mutant.ts";

const restart = "test/adapters/processes/background-restart.test.ts";
const background = "test/adapters/processes/background.test.ts";
const sessions = "test/runtime/session-processes.test.ts";

/** Faults put into how background processes are kept, found again and told of; each must turn its test red. */
export const backgroundProcessMutants: readonly Mutant[] = [
  {
    name: "what runs and could not be noted goes on unseen",
    file: "src/adapters/processes/background/process-life.ts",
    find: "      await this.#stopAll();\n      this.stored",
    replace: "      this.stored",
    test: "test/adapters/processes/background-start.test.ts",
  },
  {
    name: "a start that the log did not take is never recorded",
    file: "src/adapters/processes/background/kept-processes.ts",
    find: "if (!this.#lives.has(known.stored.handle)) throw error;",
    replace: "throw error;",
    test: "test/adapters/processes/background-start.test.ts",
  },
  {
    name: "a call whose process can not be found again is run anew",
    file: "src/runtime/perform-tools.ts",
    find: "if (resume && hasStartedProcess(session, turn, state)) return lostRun;",
    replace: "",
    test: "test/runtime/recovery.test.ts",
  },
  {
    name: "a process is known by its pid alone",
    file: "src/adapters/processes/background/process-life.ts",
    find: "(await this.#ground.table.startOf(pid)) === started ? pid : undefined",
    replace: "(await this.#ground.table.startOf(pid)) !== undefined ? pid : undefined",
    test: restart,
  },
  {
    name: "the end is reported again by the next server",
    file: "src/adapters/processes/background/report-end.ts",
    find: "await life.save({ reported: true });",
    replace: "life.stored = { ...life.stored, reported: true };",
    test: restart,
  },
  {
    name: "the session is told the same end twice",
    file: "src/runtime/session-processes.ts",
    find: "idempotencyKey: `process:${handle}:ended`",
    replace: "idempotencyKey: `process:${handle}:${clock.ulid()}`",
    test: sessions,
  },
  {
    name: "an end is told again once its key is forgotten",
    file: "src/runtime/session-processes.ts",
    find: "if (startRecorded && !isOpen(session, handle))",
    replace: "if (!startRecorded)",
    test: sessions,
  },
  {
    name: "process_ended is recorded without looking whether it is there",
    file: "src/runtime/session-processes.ts",
    find: "return ends.filter((end) => open.has(end.handle));",
    replace: "return [...ends, ...ends].filter((end) => open.has(end.handle));",
    test: sessions,
  },
  {
    name: "a time-out begins anew with each server",
    file: "src/adapters/processes/background/process-life.ts",
    find: "Date.parse(startedAt)",
    replace: "performance.timeOrigin",
    test: restart,
  },
  {
    name: "a process counts as ended before that is noted",
    file: "src/adapters/processes/background/process-life.ts",
    find: "        const stored = { ...this.stored, ...change };\n",
    replace: "        const stored = (this.stored = { ...this.stored, ...change });\n",
    test: background,
  },
  {
    name: "what has left the group is not killed",
    file: "src/adapters/processes/background/stop-processes.ts",
    find: "one.handle === handle ||",
    replace: "",
    test: background,
  },
  {
    name: "a log has no bound",
    file: "src/adapters/processes/background/keeper.ts",
    find: 'while [ "$size" -lt "$limit" ]; do',
    replace: "while :; do",
    test: background,
  },
  {
    name: "the record is not there before the process",
    file: "src/adapters/processes/background/process-life.ts",
    find: "        await this.save({});\n",
    replace: "",
    test: restart,
  },
  {
    name: "a close of the server kills what runs",
    file: "src/adapters/processes/background/kept-processes.ts",
    find: "await Promise.all([...this.#lives.values()].map((life) => life.settled()));",
    replace: 'await Promise.all([...this.#lives.values()].map((life) => life.stop("killed")));',
    test: restart,
  },
  {
    name: "a spawn is asked about as a tool and not as a command line",
    file: "src/adapters/tools/background-process.ts",
    find: '? { type: "bash", text: given.command, builtin: "background_process:spawn" }',
    replace: '? { type: "builtin", text: "background_process:spawn" }',
    test: "test/adapters/tools/background-process.test.ts",
  },
];
