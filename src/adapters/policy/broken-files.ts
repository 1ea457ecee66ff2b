import type { PolicyProblem } from "../../ports/policy.ts";
import type { Log } from "../../ports/telemetry.ts";

/** Where and what: `policy.yaml:1:7: mode: …`. */
export const placed = ({ file, line, column, message }: PolicyProblem): string =>
  `${[file, line, column].filter((part) => part !== undefined).join(":")}: ${message}`;

/** Warns of a policy file when it is first seen broken, and again when something else is wrong with it. */
export class BrokenFiles {
  readonly #log: Log;
  readonly #told = new Map<string, string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** `files`: all that were looked at, whatever is wrong with them. */
  tell(files: readonly string[], problems: readonly PolicyProblem[]): void {
    for (const file of files) {
      const problem = problems.find((one) => one.file === file);
      if (problem === undefined) this.#told.delete(file);
      else if (this.#told.get(file) !== placed(problem)) {
        this.#told.set(file, placed(problem));
        this.#log.warn({ file }, `everything is denied because a policy file is broken: ${placed(problem)}`);
      }
    }
  }
}
