import assert from "node:assert/strict";
import { test } from "node:test";

import { harness, newSession } from "../support/runtime-harness.ts";
import { openRestartableStore } from "../support/test-store.ts";

test("an event read back from the disk is, to the byte, the one that was shown before", async (t) => {
  const disk = await openRestartableStore(t);
  const first = harness({ store: disk.store });
  const id = await newSession(first);
  await first.sessions.attach(id, {});
  const sent = await first.sessions.send(id, { content: "hi", source: "http", mayDecide: true });
  await first.sessions.answer(id, sent.messageId, { timeoutMs: 5_000, signal: new AbortController().signal });
  const shown = await (await first.sessions.reader(id, { seq: 0 })).take(1 << 20);
  await disk.kill();
  const second = harness({ store: await disk.reopen() });
  const again = await (await second.sessions.reader(id, { seq: 0 })).take(1 << 20);
  const text = (frames: typeof shown) => frames.map((frame) => new TextDecoder().decode(frame.wire)).join("");
  assert.ok(shown.length >= 5);
  assert.equal(text(again), text(shown));
});
