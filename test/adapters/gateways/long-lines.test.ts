import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { until } from "../../support/until.ts";
import { entry, openHost } from "./host-harness.ts";

/** How many bytes this process has grown by at most until the message after the long line came. */
async function growthBytes(t: TestContext, manner: string): Promise<number> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const ground = await openHost(t, [entry("odd.mjs", { args: [manner] })]);
  await until("the message after it is there", () => {
    peak = Math.max(peak, process.memoryUsage.rss());
    return ground.events.length === 1;
  });
  assert.equal(ground.counted("duragent_gateway_skipped_lines_total", { why: "too_long" }), 1);
  assert.equal(ground.status().state, "ready");
  return peak - before;
}

for (const [what, manner] of [
  ["a line of 10 MB", "says-a-long-line"],
  ["300 MB without a line's end", "never-ends-a-line"],
] as const) {
  test(`${what} is skipped and costs less than 50 MB`, async (t) => {
    const grown = await growthBytes(t, manner);
    assert.ok(grown < 50_000_000, `${grown} bytes`);
  });
}
