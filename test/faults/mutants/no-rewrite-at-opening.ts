import type { Mutant } from "../mutant.ts";

export const mutant: Mutant = {
  name: "shows what it read before that is durable",
  file: "src/adapters/stores/sessions/files/open-log.ts",
  find: "if (!isCovered && examined.goodEnd > 0)",
  replace: "if (examined.goodEnd < 0)",
  test: "test/adapters/stores/sessions/failing-disk.test.ts",
};
