import type { Mutant } from "../mutant.ts";

export const mutant: Mutant = {
  name: "never syncs an append",
  file: "src/adapters/stores/sessions/files/log-writer.ts",
  find: `        await file.sync();
        if (this.#isFirst)`,
  replace: `        if (this.#isFirst)`,
  test: "test/adapters/stores/sessions/power-cut.test.ts",
};
