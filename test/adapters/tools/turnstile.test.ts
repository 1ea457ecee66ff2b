import assert from "node:assert/strict";
import { test } from "node:test";

import { PatternWorker } from "../../../src/adapters/tools/files/pattern-worker.ts";
import { Turnstile } from "../../../src/adapters/tools/turnstile.ts";
import { htmlToMarkdown } from "../../../src/adapters/tools/web/html-to-markdown.ts";

test("no more than the bound are inside; the others follow in order, and who gives up leaves no hole", async () => {
  const turnstile = new Turnstile(2);
  const said: string[] = [];
  const enter = async (name: string, signal?: AbortSignal) => {
    const leave = await turnstile.enter(signal);
    said.push(name);
    return leave;
  };
  const [leaveA, leaveB] = await Promise.all([enter("a"), enter("b")]);
  const impatient = new AbortController();
  const gone = enter("c", impatient.signal);
  const [next, last] = [enter("d"), enter("e")];
  impatient.abort(new Error("cancelled"));
  await assert.rejects(gone, { message: "cancelled" });
  assert.deepEqual(said, ["a", "b"]);
  leaveA();
  const leaveD = await next;
  assert.deepEqual(said, ["a", "b", "d"]);
  leaveB();
  const leaveE = await last;
  leaveD();
  leaveE();
  assert.ok(await turnstile.enter(AbortSignal.timeout(1_000)));
  await assert.rejects(turnstile.enter(AbortSignal.abort(new Error("over"))), { message: "over" });
});

test("patterns of all sessions have two threads at once: the third waits, and stops waiting when it is cancelled", async () => {
  const { signal } = new AbortController();
  const pattern = { kind: "expression", source: "a" } as const;
  const third = new AbortController();
  {
    await using one = await PatternWorker.start(pattern, { signal });
    await using _two = await PatternWorker.start(pattern, { signal });
    const waiting = PatternWorker.start(pattern, { signal: third.signal });
    assert.deepEqual(await one.match(["a", "b"], 2), [0]);
    third.abort(new Error("cancelled"));
    await assert.rejects(waiting, { message: "cancelled" });
  }
  await using again = await PatternWorker.start(pattern, { signal });
  assert.deepEqual(await again.match(["b", "a"], 2), [1]);
});

test("pages are converted two at a time: the third comes after one of them, or not at all when it is cancelled", async () => {
  const order: string[] = [];
  const bounds = { baseUrl: "http://x/", timeoutMs: 1_000 };
  const busy = [0, 1].map(async () => {
    await htmlToMarkdown("<div>".repeat(200_000), bounds);
    order.push("busy");
  });
  const call = new AbortController();
  const cancelled = htmlToMarkdown("<b>x</b>", { ...bounds, signal: call.signal });
  const third = htmlToMarkdown("<b>x</b>", { ...bounds, timeoutMs: 10_000 });
  call.abort(new Error("cancelled"));
  await assert.rejects(cancelled, { message: "cancelled" });
  assert.equal((await third).text, "**x**");
  assert.equal(order[0], "busy");
  await Promise.all(busy);
});
