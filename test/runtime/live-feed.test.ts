import assert from "node:assert/strict";
import { test } from "node:test";

import { LiveFeed } from "../../src/runtime/live-feed.ts";

const shown = ({ entries }: LiveFeed): number[] =>
  entries.map(({ frame }) => Number(frame.kind === "live" && frame.data["offset"]));

test("what is kept of live output is bounded by its size, not by its number alone", () => {
  const feed = new LiveFeed(1_000);
  const content = "x".repeat(256 * 1024);
  for (let offset = 0; offset < 300; offset += 1) feed.add("tool_output", 1, { call_id: "c1", content, offset });
  assert.ok(feed.entries.reduce((sum, { frame }) => sum + frame.wire.length, 0) <= 4 * 1024 * 1024);
  // The newest, in their order.
  assert.equal(shown(feed).at(-1), 299);
  assert.ok(feed.entries.length > 10);
  feed.endText();
  feed.add("tool_output", 1, { call_id: "c1", content: "y".repeat(5 * 1024 * 1024), offset: 300 });
  assert.deepEqual(shown(feed), [300]);
  feed.add("tool_output", 1, { call_id: "c1", content: "z", offset: 301 });
  assert.deepEqual(shown(feed), [301]);
});
