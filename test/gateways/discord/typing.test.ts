import assert from "node:assert/strict";
import test from "node:test";

import { Typing } from "../../../gateways/discord/src/typing.ts";

test("shows that it types every 8 s while it is asked to, and no longer", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  const shown: number[] = [];
  const typing = new Typing(async () => void shown.push(nowMs));
  const pass = (ms: number): void => {
    nowMs += ms;
    t.mock.timers.tick(ms);
  };
  // As the core asks: 5 s, every 4 s.
  for (let n = 0; n < 6; n += 1) {
    await typing.type("1", 5);
    pass(4_000);
  }
  assert.deepEqual(shown, [0, 8_000, 16_000, 24_000]);
  pass(30_000);
  assert.equal(shown.length, 4);
  await typing.type("1", 5);
  await typing.type("1", 0);
  pass(30_000);
  assert.deepEqual(shown.slice(4), [54_000]);
});
