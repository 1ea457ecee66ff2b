import type { Mutant } from "../mutant.ts";

const test = "test/scenarios/canary-secrets.test.ts";

/** Faults by which a known secret could come out; each must turn the table of places red. */
export const secretMutants: readonly Mutant[] = [
  {
    name: "what tools are given as secrets is not known",
    file: "src/app/build-tools.ts",
    find: "    inForce.redaction.learn(loaded.definition.spec.tools);\n",
    replace: "",
    test,
  },
  {
    name: "a problem of a tool is shown with its secret",
    file: "src/runtime/prepare-tools.ts",
    find: "shortened(redact(problem))",
    replace: "shortened(problem)",
    test: "test/runtime/prepare-tools.test.ts",
  },
];
