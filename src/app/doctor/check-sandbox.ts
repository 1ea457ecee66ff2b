import type { Sandbox } from "../../ports/sandbox.ts";
import type { Check } from "../../surfaces/cli/ground.ts";

/** What holds the commands of agents back, as it was really found to work. */
export function checkSandbox({ inForce, warnings }: Sandbox): Check[] {
  return [
    ...inForce.map((message): Check => ({ status: "ok", message })),
    ...warnings.map((message): Check => ({ status: "warn", message })),
  ];
}
