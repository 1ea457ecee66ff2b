import type { ExternalGateway } from "../../schema/config-gateways.ts";

/** A run that stayed `ready` so long shows that the program works: what failed before is forgotten. */
const provenMs = 60_000;
const failuresMax = 5;
const firstPauseMs = 1_000;
const pauseMsMax = 60_000;

export type RunEnd = {
  /** In words, as a status shows it. */
  readonly why: string;
  /** Exit code 0, nobody ended it, and it had said nothing fatal. */
  readonly isClean: boolean;
  /** It was ended for what may be no fault of its own: its platform is away, or it is one that knows no pings. */
  readonly isPardoned: boolean;
  /** How long it was ready, and not known to be cut off from its platform. */
  readonly readyMs: number;
};

/** In a row. What was pardoned counts for the pause alone: a network that is away for an hour makes no gateway give up. */
export type Failures = { readonly failed: number; readonly pardoned: number };
export const noFailures: Failures = { failed: 0, pardoned: 0 };

export type AfterEnd =
  | { readonly kind: "again"; readonly pauseMs: number; readonly failures: Failures }
  | { readonly kind: "failed" }
  | { readonly kind: "stopped" };

/** What follows on the end of a run that nobody asked for. `random` is in [0, 1). */
export function afterEnd(
  end: RunEnd,
  before: Failures,
  { restart, random }: { restart: ExternalGateway["restart"]; random: number },
): AfterEnd {
  if (restart === "never" || (restart === "on_failure" && end.isClean)) return { kind: "stopped" };
  const kept = end.readyMs >= provenMs ? noFailures : before;
  const failures = end.isPardoned ? { ...kept, pardoned: kept.pardoned + 1 } : { ...kept, failed: kept.failed + 1 };
  if (failures.failed >= failuresMax) return { kind: "failed" };
  const ceilingMs = Math.min(pauseMsMax, firstPauseMs * 2 ** (failures.failed + failures.pardoned - 1));
  return { kind: "again", pauseMs: Math.ceil(ceilingMs * (1 - random / 2)), failures };
}
