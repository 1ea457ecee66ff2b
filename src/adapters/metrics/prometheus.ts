import assert from "node:assert/strict";

import type { Counter, Gauge, Histogram, Registry } from "prom-client";

import type { Metrics } from "../../ports/telemetry.ts";
import { metricDefinitions, type MetricDefinition } from "./definitions.ts";

type Labels = Readonly<Record<string, string>>;

/** What the program counts, in a registry of its own: two servers in one process do not add up. */
export type PrometheusMetrics = Metrics & {
  readonly contentType: string;
  /** The text of `GET /metrics` (Prometheus exposition format 0.0.4). */
  render(): Promise<string>;
};

/**
 * Label values come from outside too (a model invents a tool's name), and each new one costs memory for ever: beyond
 * these, a series with new values counts as `other`.
 */
const seriesPerMetricMax = 1_000;
const other = "other";

const definitions = Object.entries<MetricDefinition>(metricDefinitions);
const labelsByName = new Map(definitions.map(([name, { labels }]) => [name, labels ?? []]));

/** `version` is this program's. */
export async function openMetrics(options: { version: string }): Promise<PrometheusMetrics> {
  const client = await import("prom-client");
  const registry = new client.Registry();
  client.collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: 20 });

  const counters = new Map<string, Counter>();
  const histograms = new Map<string, Histogram>();
  const gauges = new Map<string, Map<string, { labels: Labels; read: () => number }>>();
  for (const [name, definition] of definitions) {
    const configuration = { name, help: definition.help, labelNames: definition.labels ?? [], registers: [registry] };
    if (definition.kind === "counter") counters.set(name, new client.Counter(configuration));
    if (definition.kind === "histogram") {
      histograms.set(name, new client.Histogram({ ...configuration, buckets: [...(definition.buckets ?? [])] }));
    }
    if (definition.kind === "gauge") gauges.set(name, gaugeOf(client.Gauge, configuration));
  }

  const bounded = seriesBound();
  const metrics: PrometheusMetrics = {
    contentType: registry.contentType,
    add: (name, labels = {}, value = 1) =>
      known(counters, name, "counter").inc(bounded(name, checkedLabels(name, labels)), value),
    observe: (name, value, labels = {}) =>
      known(histograms, name, "histogram").observe(bounded(name, checkedLabels(name, labels)), value),
    gauge: (name, read, labels = {}) => {
      known(gauges, name, "gauge").set(JSON.stringify(checkedLabels(name, labels)), { labels, read });
    },
    render: () => registry.metrics(),
  };
  metrics.gauge("duragent_build_info", () => 1, { version: options.version, node: process.versions.node });
  return metrics;
}

type GaugeConfiguration = { name: string; help: string; labelNames: readonly string[]; registers: Registry[] };

function gaugeOf(
  type: typeof Gauge,
  configuration: GaugeConfiguration,
): Map<string, { labels: Labels; read: () => number }> {
  const reads = new Map<string, { labels: Labels; read: () => number }>();
  new type({
    ...configuration,
    collect() {
      for (const { labels, read } of reads.values()) this.set(labels, read());
    },
  });
  return reads;
}

function known<T>(metrics: Map<string, T>, name: string, kind: MetricDefinition["kind"]): T {
  const metric = metrics.get(name);
  assert(metric !== undefined, `there is no ${kind} named ${name}: add it to adapters/metrics/definitions.ts`);
  return metric;
}

function checkedLabels(name: string, labels: Labels): Labels {
  const wanted = labelsByName.get(name) ?? [];
  const given = Object.keys(labels);
  assert(
    given.length === wanted.length && wanted.every((label) => given.includes(label)),
    `${name} has the labels [${wanted.join(", ")}], not [${given.join(", ")}]`,
  );
  return labels;
}

function seriesBound(): (name: string, labels: Labels) => Labels {
  const series = new Map<string, Set<string>>();
  return (name, labels) => {
    const seen = series.get(name) ?? new Set();
    series.set(name, seen);
    const key = JSON.stringify(Object.values(labels));
    if (seen.has(key)) return labels;
    if (seen.size >= seriesPerMetricMax) return Object.fromEntries(Object.keys(labels).map((label) => [label, other]));
    seen.add(key);
    return labels;
  };
}
