import assert from "node:assert/strict";
import { test } from "node:test";

import { liveOutput } from "../../../src/adapters/processes/live-output.ts";

test("what a command writes is shown at once; of a flood only a part, with the rest counted", () => {
  let nowMs = 0;
  const shown: string[] = [];
  const live = liveOutput({ monotonic: () => nowMs }, (text) => void shown.push(text));
  const show = (text: string): void => live(Buffer.from(text));
  const piece = "x".repeat(64 * 1024);
  for (let times = 0; times < 1000; times += 1) show(piece);
  assert.deepEqual(shown, [piece, piece, piece, piece]);
  show("last words");
  nowMs += 1000;
  show("later");
  const leftOut = 996 * piece.length + "last words".length;
  assert.deepEqual(shown.slice(4), [`\n[… ${leftOut} bytes not shown while it runs …]\nlater`]);
  nowMs += 3_600_000;
  for (let times = 0; times < 10; times += 1) show(piece);
  assert.equal(shown.length, 9);
});
