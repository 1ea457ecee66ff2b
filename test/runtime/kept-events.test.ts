import assert from "node:assert/strict";
import { test } from "node:test";

import { KeptEvents } from "../../src/runtime/kept-events.ts";
import type { SessionEvent } from "../../src/schema/session-event.ts";
import { events as e, placed } from "../support/given-when-then.ts";

/** A log of so many messages; their `seq` from 1. */
const messages = (count: number, content = "hi"): SessionEvent[] =>
  placed(Array.from({ length: count }, (_, index) => e.message(index + 1, { content })));

const seqs = (events: readonly SessionEvent[] | null): number[] | null => events && events.map(({ seq }) => seq);

test("what nobody needs goes, the newest durable ones stay whole, and a reader is told where it must read the store", () => {
  const log = messages(1_000);
  const kept = new KeptEvents(log.slice(0, 990), 990);
  for (const event of log.slice(990)) kept.push(event);
  kept.thin(({ seq }) => seq === 7);
  assert.equal(kept.all.length, 1 + 256 + 10);
  assert.equal(kept.durable().length, 1 + 256);
  assert.equal(kept.durableAfter(733), null, "734 is gone");
  assert.equal(kept.durableAfter(734)?.length, 256);
  assert.deepEqual(seqs(kept.durableAfter(988)), [989, 990]);
  assert.deepEqual(seqs(kept.durableAfter(990)), []);
  kept.settle();
  assert.deepEqual(seqs(kept.durableAfter(990)), [991]);
});

test("large ones do not stay for being new, but for the newest", () => {
  const kept = new KeptEvents(messages(20, "x".repeat(100_000)), 20);
  kept.thin(() => false);
  assert.deepEqual(seqs(kept.all), [18, 19, 20]);
  const huge = new KeptEvents(messages(20, "x".repeat(1_000_000)), 20);
  huge.thin(() => false);
  assert.deepEqual(seqs(huge.all), [20]);
});

test("its size follows what comes and goes", () => {
  const kept = new KeptEvents(messages(600, "x".repeat(488)), 600);
  assert.equal(kept.bytes, 600 * 1_000);
  const [next] = messages(1, "x".repeat(1_488));
  if (next) kept.push({ ...next, seq: 601 });
  assert.deepEqual([kept.bytes, kept.newBytes], [602_000, 2_000]);
  kept.forgetBefore(101);
  assert.equal(kept.bytes, 502_000);
  assert.equal(kept.durableAfter(99), null);
  kept.thin(() => false);
  assert.deepEqual([kept.bytes, kept.newBytes], [2_000 + 256 * 1_000, 0]);
  kept.dropQueued();
  assert.equal(kept.bytes, 256 * 1_000);
});

test("where nothing is in memory of a log that has something, all is read from the store", () => {
  const kept = new KeptEvents([], 12);
  assert.equal(kept.durableAfter(11), null);
  assert.deepEqual(kept.durableAfter(12), []);
  assert.deepEqual(new KeptEvents([], 0).durableAfter(0), []);
});
