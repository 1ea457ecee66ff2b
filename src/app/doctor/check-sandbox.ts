import type { Sandbox } from "../../ports/sandbox.ts";
import type { Check } from "../../surfaces/cli/ground.ts";

/** What holds the commands of agents back, as it was really found to work. */
export function checkSandbox({ kind, inForce, warnings }: Sandbox): Check[] {
  return [
    // The first sentence names the sandbox: where there is none, that is nothing to be content with.
    ...inForce.map((message, at): Check => ({ status: kind === "none" && at === 0 ? "warn" : "ok", message })),
    ...warnings.map((message): Check => ({ status: "warn", message })),
  ];
}
