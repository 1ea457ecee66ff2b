import assert from "node:assert/strict";
import { test } from "node:test";

import { ModelFailure } from "../../../src/ports/model.ts";
import { eventually, harness, newSession, type HarnessOptions } from "../../support/runtime-harness.ts";
import { openTestStore } from "../../support/test-store.ts";

const overloaded = new ModelFailure("Overloaded", { status: 529, retryable: true });

/** One turn whose model fails for as long as it is asked, and then has a response. */
async function turnWith(
  t: Parameters<typeof openTestStore>[0],
  limits: Pick<HarnessOptions, "limits" | "providerLimits">,
  failures: number,
) {
  const running = harness({ store: await openTestStore(t), ...limits });
  const id = await newSession(running);
  await running.sessions.attach(id, {});
  for (let failed = 0; failed < failures; failed += 1) running.model.reply({ fail: overloaded });
  await running.sessions.send(id, { content: "hello", source: "http", mayDecide: true });
  const end = await eventually(running, id, (event) => event.type === "turn_end");
  return { running, id, end };
}

test("the server's limits say how often a model is asked", async (t) => {
  const retry = { max_attempts: 2, base_delay_ms: 0 };
  const { running, end } = await turnWith(t, { limits: { retry } }, 9);
  assert.equal(end.type === "turn_end" && end.outcome, "failed");
  assert.equal(running.model.requests.length, 2);
});

test("a provider's limits can only make it fewer", async (t) => {
  const limits = { retry: { max_attempts: 3, base_delay_ms: 0 } };
  for (const [max_attempts, asked] of [
    [1, 1],
    [9, 3],
  ] as const) {
    const { running } = await turnWith(t, { limits, providerLimits: { fake: { retry: { max_attempts } } } }, 9);
    assert.equal(running.model.requests.length, asked);
  }
});

test("what a turn costs goes by the prices of the provider, then by those of the server", async (t) => {
  const price = (input: number) => ({ prices: { "fake/fake-1": { input, output: 0 } } });
  for (const [limits, cost] of [
    [{ limits: price(1) }, 0.00001],
    [{ limits: price(1), providerLimits: { fake: price(2) } }, 0.00002],
    [{ providerLimits: { other: price(2) } }, undefined],
  ] as const) {
    const { running, id } = await turnWith(t, limits, 0);
    const response = await eventually(running, id, (event) => event.type === "assistant_response");
    assert.equal(response.type === "assistant_response" && response.usage?.cost_usd, cost);
  }
});
