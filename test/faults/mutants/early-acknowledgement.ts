import type { Mutant } from "../mutant.ts";

export const mutant: Mutant = {
  name: "acknowledges before the sync",
  file: "src/adapters/stores/sessions/files/log-writer.ts",
  find: `    this.#size = start + bytes.length;
`,
  replace: `    this.#size = start + bytes.length;
    for (const queued of batch) queued.resolve();
`,
  test: "test/adapters/stores/sessions/power-cut.test.ts",
};
