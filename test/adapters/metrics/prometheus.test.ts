import assert from "node:assert/strict";
import { test } from "node:test";

import { metricDefinitions, type MetricDefinition } from "../../../src/adapters/metrics/definitions.ts";
import { openMetrics } from "../../../src/adapters/metrics/prometheus.ts";

const version = "1.2.3";
const linesOf = (text: string, name: string) => text.split("\n").filter((line) => line.startsWith(name));

test("counters add up by their labels", async () => {
  const metrics = await openMetrics({ version });
  metrics.add("duragent_turns_total", { outcome: "completed" });
  metrics.add("duragent_turns_total", { outcome: "completed" });
  metrics.add("duragent_turns_total", { outcome: "failed" });
  metrics.add("duragent_syncs_total", {}, 5);
  const text = await metrics.render();
  assert.deepEqual(linesOf(text, "duragent_turns_total"), [
    'duragent_turns_total{outcome="completed"} 2',
    'duragent_turns_total{outcome="failed"} 1',
  ]);
  assert.deepEqual(linesOf(text, "duragent_syncs_total"), ["duragent_syncs_total 5"]);
});

test("a histogram counts into its buckets, in seconds", async () => {
  const metrics = await openMetrics({ version });
  metrics.observe("duragent_append_seconds", 0.000_2);
  metrics.observe("duragent_append_seconds", 3);
  const text = await metrics.render();
  assert.ok(text.includes('duragent_append_seconds_bucket{le="0.0001"} 0'));
  assert.ok(text.includes('duragent_append_seconds_bucket{le="0.00025"} 1'));
  assert.ok(text.includes('duragent_append_seconds_bucket{le="+Inf"} 2'));
});

test("a gauge is read when it is asked for, and once more registered replaced", async () => {
  const metrics = await openMetrics({ version });
  let open = 1;
  metrics.gauge("duragent_sessions_open", () => open);
  metrics.gauge("duragent_agents", () => 3, { state: "valid" });
  metrics.gauge("duragent_agents", () => 1, { state: "invalid" });
  open = 7;
  assert.deepEqual(linesOf(await metrics.render(), "duragent_sessions_open"), ["duragent_sessions_open 7"]);
  metrics.gauge("duragent_sessions_open", () => 9);
  const text = await metrics.render();
  assert.deepEqual(linesOf(text, "duragent_sessions_open"), ["duragent_sessions_open 9"]);
  assert.deepEqual(linesOf(text, "duragent_agents"), [
    'duragent_agents{state="valid"} 3',
    'duragent_agents{state="invalid"} 1',
  ]);
});

test("two instances in one process do not share counts", async () => {
  const [one, two] = await Promise.all([openMetrics({ version }), openMetrics({ version })]);
  one.add("duragent_appends_total");
  assert.ok((await one.render()).includes("\nduragent_appends_total 1"));
  assert.ok((await two.render()).includes("\nduragent_appends_total 0"));
});

test("a name, a kind or a label that is not in the table is refused", async () => {
  const metrics = await openMetrics({ version });
  assert.throws(() => metrics.add("duragent_nothing_total"), /no counter named duragent_nothing_total/);
  assert.throws(() => metrics.add("duragent_sessions_open"), /no counter named duragent_sessions_open/);
  assert.throws(() => metrics.add("duragent_turns_total"), /has the labels \[outcome\], not \[\]/);
  assert.throws(
    () => metrics.observe("duragent_turn_seconds", 1, { agent: "a" }),
    /has the labels \[\], not \[agent\]/,
  );
});

test("invented label values do not fill the memory: beyond 1,000 they count as other", async () => {
  const metrics = await openMetrics({ version });
  for (let count = 0; count < 1_500; count++) {
    metrics.add("duragent_tool_calls_total", { tool: `invented-${count}`, outcome: "error" });
  }
  metrics.add("duragent_tool_calls_total", { tool: "invented-1", outcome: "error" });
  const lines = linesOf(await metrics.render(), "duragent_tool_calls_total");
  assert.equal(lines.length, 1_001);
  assert.ok(lines.includes('duragent_tool_calls_total{tool="other",outcome="other"} 500'));
  assert.ok(lines.includes('duragent_tool_calls_total{tool="invented-1",outcome="error"} 2'));
});

test("what runs and how the process fares stand beside the program's own", async () => {
  const text = await (await openMetrics({ version })).render();
  assert.ok(text.includes(`duragent_build_info{version="1.2.3",node="${process.versions.node}"} 1`));
  assert.ok(text.includes("process_resident_memory_bytes "));
  assert.ok(text.includes("nodejs_eventloop_lag_p99_seconds "));
});

for (const [name, definition] of Object.entries<MetricDefinition>(metricDefinitions)) {
  test(`${name} is named after its unit, explained, and has buckets if it is a histogram`, () => {
    const suffix = { counter: /_total$/, histogram: /_seconds$/, gauge: /[a-z]$/ }[definition.kind];
    assert.match(name, suffix);
    assert.match(definition.help, /^[A-Z1].+\.$/);
    const buckets = definition.buckets ?? [];
    assert.equal(buckets.length > 0, definition.kind === "histogram");
    assert.deepEqual(
      buckets,
      buckets.toSorted((a, b) => a - b),
    );
  });
}
