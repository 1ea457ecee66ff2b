import assert from "node:assert/strict";
import test from "node:test";

import { lateMetrics } from "../../src/app/late-metrics.ts";
import type { Metrics } from "../../src/ports/telemetry.ts";

function counting(): Metrics & { readonly total: number; readonly gauges: string[] } {
  let total = 0;
  const gauges: string[] = [];
  return {
    add: (_name, _labels, value = 1) => void (total += value),
    observe: () => undefined,
    gauge: (name) => void gauges.push(name),
    gauges,
    get total() {
      return total;
    },
  };
}

test("what was counted before the registry was there is in it, and what comes after goes to it", () => {
  const { metrics, use } = lateMetrics(() => undefined);
  const registry = counting();
  metrics.gauge("duragent_sessions_open", () => 1);
  metrics.add("duragent_syncs_total");
  use(registry);
  metrics.add("duragent_syncs_total", {}, 2);
  assert.equal(registry.total, 3);
  assert.deepEqual(registry.gauges, ["duragent_sessions_open"]);
});

test("the registry is asked for once, when there is much to count, and nothing is lost while it comes", () => {
  let asked = 0;
  const { metrics, use } = lateMetrics(() => (asked += 1));
  for (let n = 0; n < 999; n += 1) metrics.add("duragent_syncs_total");
  assert.equal(asked, 0);
  for (let n = 0; n < 4_001; n += 1) metrics.add("duragent_syncs_total");
  assert.equal(asked, 1);
  const registry = counting();
  use(registry);
  assert.equal(registry.total, 5_000);
});
