import type { Mutant } from "../mutant.ts";

export const mutant: Mutant = {
  name: "writes without looking whether another program wrote",
  file: "src/adapters/stores/sessions/files/log-writer.ts",
  find: "if (size === this.#size) return null;",
  replace: "if (size >= 0) return null;",
  test: "test/adapters/stores/sessions/failing-disk.test.ts",
};
