import { parsePattern, type PolicyPattern } from "./pattern.ts";

export type PolicyMode = "ask" | "allow" | "restrict";
export type PolicyDelivery = { type: "log" } | { type: "webhook"; url: string };

/** A pattern or the mode as one file has it. */
export type PolicyLine = { readonly written: string; readonly line: number };

/** What is listed, as lines of one file or as patterns of all. */
type Lists<Listed> = {
  readonly deny: readonly Listed[];
  readonly ask: readonly Listed[];
  readonly allow: readonly Listed[];
  readonly notify: {
    readonly enabled: boolean;
    readonly patterns: readonly Listed[];
    readonly deliveries: readonly PolicyDelivery[];
  };
};

/** One policy file, parsed. */
export type PolicyTier = Lists<PolicyLine> & {
  /** As its user knows it. */
  readonly file: string;
  readonly mode?: { readonly mode: PolicyMode; readonly line: number };
  /** Of MCP tools that were approved: their fingerprints by `server__tool`. */
  readonly fingerprints: ReadonlyMap<string, string>;
};

/** What holds for one agent. */
export type PolicyRules = Lists<PolicyPattern> & {
  /** `null`: no file says one, so what holds without any file holds. */
  readonly mode: { readonly mode: PolicyMode; readonly file: string; readonly line: number } | null;
  readonly fingerprints: ReadonlyMap<string, string>;
};

/** Puts files together, from the least to the most specific: the last mode wins, everything else adds up. */
export function mergeTiers(tiers: readonly PolicyTier[]): PolicyRules {
  const patterns = (of: (tier: PolicyTier) => readonly PolicyLine[]): PolicyPattern[] =>
    tiers.flatMap((tier) => of(tier).map(({ written, line }) => parsePattern(written, { file: tier.file, line })));
  const modes = tiers.flatMap(({ file, mode }) => (mode === undefined ? [] : [{ ...mode, file }]));
  const deliveries = new Map(
    tiers.flatMap(({ notify }) => notify.deliveries.map((one) => [JSON.stringify(one), one] as const)),
  );
  return {
    mode: modes.at(-1) ?? null,
    deny: patterns(({ deny }) => deny),
    ask: patterns(({ ask }) => ask),
    allow: patterns(({ allow }) => allow),
    notify: {
      enabled: tiers.some(({ notify }) => notify.enabled),
      patterns: patterns(({ notify }) => notify.patterns),
      deliveries: [...deliveries.values()],
    },
    fingerprints: new Map(tiers.flatMap(({ fingerprints }) => [...fingerprints])),
  };
}

const stricter: Readonly<Record<PolicyMode, number>> = { allow: 0, ask: 1, restrict: 2 };

/**
 * What counts of a policy that came with a request instead of lying where the server's owner put it: it may forbid and
 * ask, and it loosens nothing. `under`: the mode that holds without it.
 */
export function onlyTightening(tier: PolicyTier, under: PolicyMode): PolicyTier {
  const { mode, ...rest } = tier;
  return {
    ...rest,
    ...(mode !== undefined && stricter[mode.mode] > stricter[under] ? { mode } : {}),
    allow: [],
    notify: { enabled: false, patterns: [], deliveries: [] },
    fingerprints: new Map(),
  };
}
