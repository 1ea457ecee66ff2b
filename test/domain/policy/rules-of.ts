import { decide, type Explanation } from "../../../src/domain/policy/decide.ts";
import { mergeTiers, type PolicyMode, type PolicyTier } from "../../../src/domain/policy/rules.ts";
import { readShell } from "../../../src/adapters/policy/read-shell.ts";
import type { PolicyCall } from "../../../src/ports/tool.ts";

export type WrittenTier = {
  file?: string;
  mode?: PolicyMode;
  deny?: string[];
  ask?: string[];
  allow?: string[];
  fingerprints?: Record<string, string>;
};

/** A file as if it had been parsed: its patterns stand on lines 10, 20, 30 and following. */
export function tier({
  file = "policy.yaml",
  mode,
  deny = [],
  ask = [],
  allow = [],
  fingerprints = {},
}: WrittenTier): PolicyTier {
  const lines = (patterns: string[], from: number) => patterns.map((written, at) => ({ written, line: from + at }));
  return {
    file,
    ...(mode === undefined ? {} : { mode: { mode, line: 1 } }),
    deny: lines(deny, 10),
    ask: lines(ask, 20),
    allow: lines(allow, 30),
    notify: { enabled: false, patterns: [], deliveries: [] },
    fingerprints: new Map(Object.entries(fingerprints)),
  };
}

export const explained = (call: PolicyCall, ...tiers: WrittenTier[]): Explanation =>
  decide(mergeTiers(tiers.map(tier)), call, readShell);

export const bash = (text: string): PolicyCall => ({ type: "bash", text, effect: "unsafe" });
export const builtin = (text: string, effect: PolicyCall["effect"] = "idempotent"): PolicyCall => ({
  type: "builtin",
  text,
  effect,
});
export const mcp = (text: string, fingerprint?: string): PolicyCall => ({
  type: "mcp",
  text,
  effect: "unsafe",
  ...(fingerprint === undefined ? {} : { fingerprint }),
});

/** What is decided about a call: the policy alone. */
export const policyFor = (call: PolicyCall, ...tiers: WrittenTier[]) => explained(call, ...tiers).verdict.policy;
