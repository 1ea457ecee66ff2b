import type { Mutant } from "../mutant.ts";

export const mutant: Mutant = {
  name: "tries a failed sync again",
  file: "src/adapters/stores/sessions/files/log-writer.ts",
  find: `        await file.sync();
        if (this.#isFirst)`,
  replace: `        await file.sync().catch(() => file.sync());
        if (this.#isFirst)`,
  test: "test/adapters/stores/sessions/failing-disk.test.ts",
};
