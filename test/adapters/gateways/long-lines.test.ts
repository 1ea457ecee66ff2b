import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test, type TestContext } from "node:test";

import { PacedLines } from "../../../src/adapters/gateways/paced-lines.ts";
import { until } from "../../support/until.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";
import { entry, openHost } from "./host-harness.ts";

/** How many bytes this process has grown by at most until the message after the long line came. */
async function growthBytes(t: TestContext, manner: string): Promise<number> {
  const before = process.memoryUsage.rss();
  let peak = before;
  const clock = createVirtualClock();
  const ground = await openHost(t, [entry("odd.mjs", { args: [manner] })], { clock });
  await until("the message after it is there", () => {
    // So much at once waits for the next second.
    clock.advance(50);
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

test("what has no lines is read at 4 MiB a second, too", async () => {
  const clock = createVirtualClock();
  const pipe = new PassThrough();
  let given = 0;
  const give = (): void => {
    while (pipe.writableLength < 1_000_000) {
      pipe.write(Buffer.alloc(65_536, "x"));
      given += 65_536;
    }
  };
  const read = (): number => given - pipe.readableLength - pipe.writableLength;
  void new PacedLines(pipe, { clock, lineBytesMax: 100, hasRoom: () => true, take: () => undefined });
  for (const seconds of [1, 2, 3]) {
    await until("nothing more is read", () => {
      give();
      return pipe.isPaused();
    });
    assert.ok(read() <= seconds * (4 * 1024 * 1024 + 65_536), `${read()} bytes in ${seconds} s`);
    clock.advance(1_000);
  }
});
