import assert from "node:assert/strict";
import { test } from "node:test";

import { createMemoryCounters } from "../../../src/adapters/rates/memory-counters.ts";

const minute = (limit: number) => ({ ms: 60_000, limit });

test("a window holds what its limit allows, and is empty when it is over", async (t) => {
  t.mock.timers.enable({ apis: ["Date", "setTimeout"] });
  const counters = createMemoryCounters();
  assert.deepEqual(await counters.take("a", minute(3), 2), { taken: true, resetMs: 60_000 });
  t.mock.timers.tick(10_000);
  assert.deepEqual(await counters.take("a", minute(3), 2), { taken: false, resetMs: 50_000 });
  assert.equal((await counters.take("a", minute(3), 1)).taken, true, "what was refused is not counted");
  assert.equal((await counters.take("b", minute(3), 3)).taken, true);
  assert.equal((await counters.take("a", minute(4), 1)).taken, true, "a limit that has changed holds at once");
  t.mock.timers.tick(50_000);
  assert.deepEqual(await counters.take("a", minute(3), 3), { taken: true, resetMs: 60_000 });
});

test("what was taken can be set right, and never below nothing", async () => {
  const counters = createMemoryCounters();
  await counters.take("a", minute(10), 8);
  await counters.correct("a", 60_000, -6);
  assert.equal((await counters.take("a", minute(10), 8)).taken, true);
  await counters.correct("a", 60_000, -50);
  assert.equal((await counters.take("a", minute(10), 11)).taken, false);
  await counters.correct("a", 60_000, 10);
  assert.equal((await counters.take("a", minute(10), 1)).taken, false);
  await counters.correct("never counted", 60_000, 5);
  assert.equal((await counters.take("never counted", minute(1), 1)).taken, true);
});

test("of many who come at once no more are let in than may", async () => {
  const counters = createMemoryCounters();
  const answers = await Promise.all(Array.from({ length: 50 }, () => counters.take("a", minute(7), 1)));
  assert.equal(answers.filter(({ taken }) => taken).length, 7);
});

test("under a flood of new keys the oldest are forgotten, and no more", async () => {
  const counters = createMemoryCounters();
  const once = { ms: 3_600_000, limit: 1 };
  const takes = async (key: string) => (await counters.take(key, once, 1)).taken;
  assert.deepEqual([await takes("first"), await takes("second"), await takes("first")], [true, true, false]);
  for (let n = 0; n < 99_999; n += 1) await takes(`flood ${n}`);
  assert.equal(await takes("first"), false, "used after the second");
  assert.equal(await takes("second"), true, "forgotten");
});
