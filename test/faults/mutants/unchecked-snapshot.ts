import type { Mutant } from "../mutant.ts";

export const mutant: Mutant = {
  name: "uses a snapshot that does not meet its log",
  file: "src/adapters/stores/sessions/files/snapshot-file.ts",
  find: `checked.kind === "bad" || checked.crc !== snapshot.line_crc`,
  replace: `checked.kind === "bad"`,
  test: "test/adapters/stores/sessions/snapshots.test.ts",
};
