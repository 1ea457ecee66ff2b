import type { Mutant } from "../mutant.ts";

export const mutant: Mutant = {
  name: "uses a snapshot whose own checksum is wrong",
  file: "src/adapters/stores/sessions/files/snapshot-file.ts",
  find: "if (seal !== ",
  replace: "if (seal.length === 0 && seal !== ",
  test: "test/adapters/stores/sessions/snapshots.test.ts",
};
