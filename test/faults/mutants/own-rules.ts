import type { Mutant } from "../mutant.ts";

const test = "test/scenarios/own-rules.test.ts";

/** Faults by which an agent could change its own rules; each must turn the table of ways red. */
export const ownRulesMutants: readonly Mutant[] = [
  {
    name: "an artifact's name is a path",
    file: "src/domain/artifact.ts",
    find: "name.replaceAll(/[%/\\\\]/g, percent)",
    replace: "name",
    test,
  },
  {
    name: "what a command may write is more than its workspace",
    file: "src/adapters/sandboxes/bubblewrap-start.ts",
    find: '["--bind", path, path]',
    replace: '["--bind", `${path}/../../..`, `${path}/../../..`]',
    test,
  },
];
