import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { garbageRule } from "../../src/adapters/bound-heap.ts";

const module = join(import.meta.dirname, "../../src/adapters/bound-heap.ts");

/** Makes objects that live for a while, which makes V8 grow its young generation. Prints the most that it had, in MiB. */
const program = (setUp: string): string => `
  import { getHeapSpaceStatistics } from "node:v8";
  import { setImmediate } from "node:timers/promises";
  ${setUp}
  const mib = () => getHeapSpaceStatistics().find((space) => space.space_name === "new_space").space_size / 2 ** 20;
  let most = 0;
  const alive = [];
  for (let round = 0; round < 2_000; round += 1) {
    alive.push(Array.from({ length: 2_000 }, (_, index) => ({ index })));
    if (alive.length > 500) alive.shift();
    most = Math.max(most, mib());
    await setImmediate();
  }
  console.log(most);
`;

async function mostMiB(setUp: string): Promise<number> {
  const args = ["--input-type=module", "--eval", program(setUp)];
  return Number((await promisify(execFile)(process.execPath, args)).stdout);
}

test("the young generation does not grow as it does by itself", async () => {
  const bounded = `import { boundHeap } from ${JSON.stringify(module)}; boundHeap();`;
  const [free, held] = await Promise.all([mostMiB(""), mostMiB(bounded)]);
  // What survives a collection, and what is large, can come to the 16 MiB.
  assert.ok(free > 48 && held < 32, `${held} MiB, by itself ${free}`);
});

test("garbage of the old generation is bounded, but for a while where that means to collect again and again", () => {
  const rule = garbageRule();
  const mib = 1024 * 1024;
  assert.equal(rule(1_000, 32 * mib), 50);
  assert.equal(rule(7_000, 40 * mib), 40);
  assert.equal(rule(13_000, 1_000 * mib), 30);
  assert.equal(rule(15_000, 64 * mib), 0, "two seconds after the last");
  assert.equal(rule(25_000, 64 * mib), 0);
  assert.equal(rule(34_000, 64 * mib), 0);
  assert.equal(rule(40_000, 64 * mib), 30);
});
