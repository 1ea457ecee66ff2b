import assert from "node:assert/strict";
import { test } from "node:test";

import { DeltaMerger, mergingFetch } from "../../../src/adapters/models/merge-deltas.ts";
import { framesOf } from "../../support/mock-provider.ts";

const chat = (delta: object, more: object = {}): string =>
  `data: ${JSON.stringify({ id: "1", choices: [{ index: 0, delta, finish_reason: null }], ...more })}\n\n`;

test("text deltas that arrive together go on as one", () => {
  const merged = new DeltaMerger().push(chat({ content: "a\n" }) + chat({ content: 'b"' }) + chat({ content: "ç" }));
  assert.equal(merged, chat({ content: 'a\nb"ç' }));
});

test("text deltas that arrive apart stay apart", () => {
  const merger = new DeltaMerger();
  assert.equal(merger.push(chat({ content: "a" })), chat({ content: "a" }));
  assert.equal(merger.push(chat({ content: "b" })), chat({ content: "b" }));
});

test("an event that is cut between packets waits for its rest", () => {
  const merger = new DeltaMerger();
  const whole = chat({ content: "a" }) + chat({ content: "b" });
  assert.equal(merger.push(whole.slice(0, 20)), "");
  assert.equal(merger.push(whole.slice(20)), chat({ content: "ab" }));
});

test("nothing is merged that carries more than its text, or that differs in anything else", () => {
  for (const events of [
    [chat({ content: "a", reasoning_content: "x" }), chat({ content: "b", reasoning_content: "x" })],
    [
      chat({ tool_calls: [{ index: 0, function: { arguments: "{" } }] }),
      chat({ tool_calls: [{ index: 0, function: { arguments: "{" } }] }),
    ],
    [chat({ content: "a" }), chat({ content: "b" }, { usage: { prompt_tokens: 1 } })],
    [chat({ content: "a" }), "data: [DONE]\n\n"],
    [chat({ reasoning_content: '"delta":{"content":"a"}' }), chat({ reasoning_content: '"delta":{"content":"b"}' })],
  ]) {
    assert.equal(new DeltaMerger().push(events.join("")), events.join(""));
  }
});

test("the end of a stream that was cut off inside an event comes as it is", async () => {
  const cut = `${chat({ content: "a" })}data: {"cho`;
  const fetch = mergingFetch(() =>
    Promise.resolve(new Response(cut, { headers: { "content-type": "text/event-stream" } })),
  );
  assert.equal(await (await fetch("http://x")).text(), cut);
});

for (const dialect of ["chat", "anthropic"] as const) {
  test(`the ${dialect} dialect says the same in fewer events`, () => {
    const chunks = ["Grüße, ", "Welt 🌍", "\n\n", '{"content":"no"}'];
    const events = framesOf({ chunks, toolCalls: [{ name: "look", arguments: { at: "it" } }] }, dialect);
    const whole = events.map((event) => event.bytes).join("");
    const merged = new DeltaMerger().push(whole);
    const [once] = framesOf({ chunks: [chunks.join("")] }, dialect).filter((event) => event.content);
    assert.ok(once !== undefined && merged.includes(once.bytes));
    assert.equal(merged.split("\n\n").length, whole.split("\n\n").length - chunks.length + 1);
  });
}
