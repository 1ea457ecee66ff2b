import assert from "node:assert/strict";

import type { Conversation } from "../../src/domain/session/conversation.ts";

/** What every provider insists on: each tool call has exactly one result, right after it, and nobody says nothing. */
export function assertProviderGrammar({ turns }: Conversation): void {
  const messages = turns.flatMap((turn) => turn.messages);
  messages.forEach((message, index) => {
    const before = messages[index - 1];
    const after = messages[index + 1];
    if (message.role === "assistant") {
      assert.ok(message.content.trim() !== "" || message.toolCalls.length > 0, "an assistant message says something");
      const ids = message.toolCalls.map((call) => call.call_id);
      assert.equal(new Set(ids).size, ids.length, "call ids are distinct");
      if (ids.length === 0) return;
      assert.ok(after?.role === "tool", "calls are followed by their results");
      assert.deepEqual(
        after.results.map((result) => result.callId),
        ids,
      );
    }
    if (message.role === "tool")
      assert.ok(before?.role === "assistant" && before.toolCalls.length > 0, "results follow calls");
  });
  turns.forEach((turn, index) => assert.ok(!turn.open || index === turns.length - 1, "only the newest turn is open"));
}
