import assert from "node:assert/strict";
import { test } from "node:test";

import { failing, finish, setUp, text, type Step } from "../playing-models.ts";

test("silence between pieces of content ends a try, and the next one begins", async () => {
  const { call, clock, seen, played } = setUp(
    [
      [
        [...text("one"), "hang"],
        [...text("two"), finish],
      ],
    ],
    {
      onText: (piece) => {
        seen.push(piece);
        if (piece === "one") queueMicrotask(() => clock.advance(60_000));
      },
    },
  );
  const result = await call();
  assert.equal(result.kind, "response");
  assert.deepEqual([result.text, result.attempts], ["two", 2]);
  assert.equal(played[0]?.signals[0]?.aborted, true);
});

test("arguments that come in pieces are content, not silence", async () => {
  const slow: Step[] = Array.from({ length: 4 }, (): Step[] => [
    { type: "progress", bytes: 1 },
    { waitMs: 59_000 },
  ]).flat();
  const { call } = setUp([[[...text("one"), ...slow, finish]]]);
  assert.equal((await call()).kind, "response");
});

test("silence before the first content may last as long as the call", async () => {
  const { call } = setUp([[[{ waitMs: 299_000 }, ...text("thought long"), finish]]]);
  assert.equal((await call()).kind, "response");
});

test("a call that is not done in its time has failed, and its fallback has time of its own", async () => {
  const drip: Step[] = Array.from({ length: 400 }, (): Step[] => [...text("."), { waitMs: 1000 }]).flat();
  const alone = await setUp([[drip, [finish]]]).call();
  assert.equal(alone.kind, "failed");
  assert.deepEqual([alone.code, alone.retryable, alone.attempts], ["provider-timeout", true, 1]);
  assert.match(alone.message, /did not finish within 300 s/);
  const withFallback = await setUp([[drip], [[...text("here"), finish]]]).call();
  assert.equal(withFallback.kind, "response");
});

test("all tries of a model share its time", async () => {
  const slow = (): Step[] => [{ waitMs: 100_000 }, failing(500)];
  const { call, played } = setUp([[slow(), slow(), slow(), slow(), slow()]]);
  const result = await call();
  assert.equal(result.kind, "failed");
  assert.equal(played[0]?.tries(), 3);
});

const mib = 1024 * 1024;
const endless: [string, Step[], RegExp][] = [
  ["text", Array.from({ length: 5 }, () => text("é".repeat(mib / 8))).flat(), /the response is longer than 1 MiB/],
  [
    "thoughts",
    Array.from({ length: 3 }, (): Step => ({ type: "thinking", text: "x".repeat(mib / 2) })),
    /thinking is longer/,
  ],
  [
    "arguments in pieces",
    Array.from({ length: 3 }, (): Step => ({ type: "progress", bytes: mib })),
    /arguments.*longer than 2 MiB/,
  ],
  [
    "arguments of one call",
    [{ type: "tool_call", call: { call_id: "c", tool_name: "bash", arguments: { x: "x".repeat(2 * mib) } } }],
    /arguments.*longer than 2 MiB/,
  ],
  [
    "calls",
    Array.from({ length: 1001 }, (_, n): Step => ({
      type: "tool_call",
      call: { call_id: `c${n}`, tool_name: "b", arguments: {} },
    })),
    /more than 1000 tool calls/,
  ],
];
for (const [what, steps, message] of endless) {
  test(`endless ${what} end the call with a clear message`, async () => {
    const { call, played } = setUp([[[...steps, "hang"], [finish]]]);
    const result = await call();
    assert.equal(result.kind, "failed");
    assert.match(result.message, message);
    assert.deepEqual([result.retryable, played[0]?.tries()], [false, 1]);
  });
}

test("exactly 1 MiB of text is kept", async () => {
  const { call } = setUp([[[...text("x".repeat(mib)), finish]]]);
  const result = await call();
  assert.equal(result.kind, "response");
  assert.equal(result.text.length, mib);
});
