import type { Mutant } from "../mutant.ts";

export const mutant: Mutant = {
  name: "leaves a torn end in the log",
  file: "src/adapters/stores/sessions/files/open-log.ts",
  find: `  await file.truncate(range.from);
`,
  replace: "",
  test: "test/adapters/stores/sessions/torn-tail.test.ts",
};
