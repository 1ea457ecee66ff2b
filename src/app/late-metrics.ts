import type { Metrics } from "../ports/telemetry.ts";

/** Counts of a start; what comes before the registry is loaded is kept up to this and replayed. */
const keptMax = 10_000;

type Call = (metrics: Metrics) => void;

/**
 * Metrics whose registry is loaded after the server is ready, because its import costs a third of a start.
 * `use` replays what came before; gauges are always kept, counts beyond 10,000 are not.
 */
export function lateMetrics(): { metrics: Metrics; use(loaded: Metrics): void } {
  let loaded: Metrics | null = null;
  const gauges: Call[] = [];
  const counts: Call[] = [];
  const count = (call: Call): void => {
    if (loaded !== null) call(loaded);
    else if (counts.length < keptMax) counts.push(call);
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
