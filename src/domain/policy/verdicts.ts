import type { PolicyVerdict } from "../../ports/policy.ts";
import type { PolicyPattern } from "./pattern.ts";
import type { PolicyRules } from "./rules.ts";

const said = { deny: "denied", ask: "asked about", allow: "allowed" } as const;

/** What one line of a file decides. `why` instead of the plain sentence. */
export function byPattern(policy: PolicyVerdict["policy"], { written, file, line }: PolicyPattern, why?: string) {
  const text = why ?? `${said[policy]} by ${JSON.stringify(written)}, ${file}:${line}`;
  return { policy, reason: { rule: policy, pattern: written, file, line, text } } satisfies PolicyVerdict;
}

/** What no pattern decides. `why`: what kept patterns from allowing it. */
export function byMode({ mode }: PolicyRules, why = "no pattern matches"): PolicyVerdict {
  if (mode === null)
    return {
      policy: "ask",
      reason: { rule: "default", text: `${why}, and without a mode everything else is asked about` },
    };
  const policy = mode.mode === "restrict" ? "deny" : mode.mode;
  const { file, line } = mode;
  return {
    policy,
    reason: { rule: "mode", file, line, text: `${why}, and the mode is ${mode.mode}, ${file}:${line}` },
  };
}
