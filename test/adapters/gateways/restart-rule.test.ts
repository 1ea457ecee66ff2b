import assert from "node:assert/strict";
import { test } from "node:test";

import fc from "fast-check";

import { afterEnd, noFailures, type Failures, type RunEnd } from "../../../src/adapters/gateways/restart-rule.ts";

const crashed: RunEnd = { why: "it ended with exit code 1", isClean: false, isPardoned: false, readyMs: 0 };
const clean: RunEnd = { ...crashed, why: "it ended by itself", isClean: true };
const unreachable: RunEnd = { ...crashed, isPardoned: true };

const pauses = (ends: readonly RunEnd[], restart: "always" | "on_failure" = "on_failure"): (number | string)[] => {
  let failures: Failures = noFailures;
  return ends.map((end) => {
    const next = afterEnd(end, failures, { restart, random: 0 });
    if (next.kind === "again") failures = next.failures;
    return next.kind === "again" ? next.pauseMs : next.kind;
  });
};

test("pauses double, and the fifth failure in a row is the last", () => {
  assert.deepEqual(pauses([crashed, crashed, crashed, crashed, crashed]), [1_000, 2_000, 4_000, 8_000, "failed"]);
});

test("a run that was ready for a minute makes forget what was before", () => {
  const proven = { ...crashed, readyMs: 60_000 };
  assert.deepEqual(
    pauses([crashed, crashed, crashed, crashed, proven, crashed]),
    [1_000, 2_000, 4_000, 8_000, 1_000, 2_000],
  );
  assert.equal(pauses([crashed, crashed, crashed, crashed, { ...crashed, readyMs: 59_999 }]).at(-1), "failed");
});

test("a clean end is the end, but for always; never is never", () => {
  assert.deepEqual(pauses([clean]), ["stopped"]);
  assert.deepEqual(pauses([clean, clean], "always"), [1_000, 2_000]);
  assert.equal(afterEnd(crashed, noFailures, { restart: "never", random: 0 }).kind, "stopped");
});

test("a platform that is away for long makes no gateway fail, and pauses stay below a minute", () => {
  const away = pauses(Array.from({ length: 100 }, () => unreachable));
  assert.equal(away.at(-1), 60_000);
  assert.deepEqual(away.slice(0, 4), [1_000, 2_000, 4_000, 8_000]);
});

test("what failed before a long good run that the platform ended is forgotten", () => {
  const good = { ...unreachable, readyMs: 60_000 };
  assert.deepEqual(
    pauses([crashed, crashed, crashed, crashed, good, crashed]),
    [1_000, 2_000, 4_000, 8_000, 1_000, 2_000],
  );
});

test("pauses are spread over the upper half of what they may be", () => {
  const ends = fc.integer({ min: 0, max: 3 });
  fc.assert(
    fc.property(
      ends,
      fc.integer({ min: 0, max: 50 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (failed, pardoned, random) => {
        const next = afterEnd(crashed, { failed, pardoned }, { restart: "always", random });
        assert.equal(next.kind, "again");
        const ceilingMs = Math.min(60_000, 1_000 * 2 ** (failed + pardoned));
        if (next.kind === "again") assert.ok(next.pauseMs >= ceilingMs / 2 && next.pauseMs <= ceilingMs);
      },
    ),
  );
});
