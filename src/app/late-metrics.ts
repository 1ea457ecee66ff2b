import type { Metrics } from "../ports/telemetry.ts";

/** So many counts are kept before the registry is loaded. */
const countsBeforeLoad = 1_000;
/** What comes while it is being loaded is kept up to this. */
const keptMax = 10_000;

type Call = (metrics: Metrics) => void;

/**
 * Metrics whose registry is loaded when it is needed: its import costs a tenth of a start and some MiB, and most servers
 * on a workstation are never asked. `load` is called once there is much to count, and is to call `use`, which replays
 * what came before; gauges are always kept, counts beyond 10,000 are not.
 */
export function lateMetrics(load: () => void): { metrics: Metrics; use(loaded: Metrics): void } {
  let loaded: Metrics | null = null;
  const gauges: Call[] = [];
  const counts: Call[] = [];
  const count = (call: Call): void => {
    if (loaded !== null) call(loaded);
    else if (counts.length < keptMax && counts.push(call) === countsBeforeLoad) load();
  };
  return {
    metrics: {
      add: (name, labels, value) => count((metrics) => metrics.add(name, labels, value)),
      observe: (name, value, labels) => count((metrics) => metrics.observe(name, value, labels)),
      gauge(name, read, labels) {
        const call: Call = (metrics) => metrics.gauge(name, read, labels);
        if (loaded !== null) call(loaded);
        else gauges.push(call);
      },
    },
    use(metrics) {
      loaded = metrics;
      for (const call of [...gauges.splice(0), ...counts.splice(0)]) call(metrics);
    },
  };
}
