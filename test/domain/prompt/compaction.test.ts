import assert from "node:assert/strict";
import { test } from "node:test";

import { compactionRequest, isUsableSummary } from "../../../src/domain/prompt/compaction.ts";
import { textTokens } from "../../../src/domain/prompt/tokens.ts";
import { agent, closed, toolUse, user } from "./conversations.ts";

const contentOf = (request: ReturnType<typeof compactionRequest>): string => {
  const [message] = request.messages;
  return message?.role === "user" ? message.content : "";
};

test("the request to summarise is one message without tools, with what was said, called and answered", () => {
  const turns = [closed(user("Look."), ...toolUse("c", "two files"), agent("There are two."))];
  const request = compactionRequest({ turns, summary: null, ratio: 1, windowTokens: 100_000 });
  assert.equal(request.messages.length, 1);
  assert.deepEqual(request.tools, []);
  assert.match(
    contentOf(request),
    /^<conversation>\nUser: Look\.\n\nAgent calls bash: \{"command":"ls"\}\n\nResult of bash: two files\n\nAgent: There are two\.\n<\/conversation>$/,
  );
});

test("the summary before goes into the next one", () => {
  const request = compactionRequest({ turns: [], summary: "Tea.", ratio: 1, windowTokens: 100_000 });
  assert.match(contentOf(request), /^<earlier-summary>\nTea\.\n<\/earlier-summary>/);
});

test("a conversation above the window keeps its end, within half of the window", () => {
  const turns = [closed(user("first".repeat(100_000))), closed(user("the end"))];
  const content = contentOf(compactionRequest({ turns, summary: null, ratio: 1.5, windowTokens: 8_000 }));
  assert.ok(content.includes("the end"));
  assert.ok(textTokens(content) * 1.5 < 8_000 * 0.6);
});

test("an empty summary, or one longer than what it replaces, is of no use", () => {
  const turns = [closed(user("hello there, how are you today?"))];
  assert.equal(isUsableSummary("  \n", turns), false);
  assert.equal(isUsableSummary("long ".repeat(100), turns), false);
  assert.equal(isUsableSummary("A greeting.", turns), true);
});
