import assert from "node:assert/strict";
import { test } from "node:test";

import { sessionSettings } from "../../../src/domain/session/settings.ts";

test("nothing set: the defaults", () => {
  assert.deepEqual(sessionSettings({}, {}), {
    onDisconnect: "pause",
    maxBackgroundRuntimeMs: 1_800_000,
    outputBufferSize: 1000,
    ttlHours: 168,
    maxToolIterations: 10,
    llmTimeoutMs: 300_000,
    idleTimeoutMs: 60_000,
    maxTurnMs: null,
    onInterruptedTool: "report",
    context: {
      maxHistoryTokens: 40_000,
      maxToolResultTokens: 8_000,
      toolResultTruncation: "both",
      toolResultKeepFirst: 2,
      toolResultKeepLast: 5,
      compactAt: 0.8,
    },
  });
});

test("the agent's settings stand over the server's, key by key", () => {
  const settings = sessionSettings(
    { ttl_hours: 0, context: { max_history_tokens: 0 } },
    { ttl_hours: 5, llm_timeout_seconds: 7, max_turn_seconds: 9, context: { max_history_tokens: 9, compact_at: 0.5 } },
  );
  assert.equal(settings.ttlHours, 0);
  assert.equal(settings.llmTimeoutMs, 7_000);
  assert.equal(settings.maxTurnMs, 9_000);
  assert.equal(settings.context.maxHistoryTokens, 0);
  assert.equal(settings.context.compactAt, 0.5);
});

test("a session that goes on alone may call tools more often, whoever set its mode", () => {
  assert.equal(sessionSettings({}, {}, "continue").maxToolIterations, 50);
  assert.equal(sessionSettings({}, { on_disconnect: "continue" }).maxToolIterations, 50);
  assert.equal(sessionSettings({ on_disconnect: "continue" }, {}, "pause").maxToolIterations, 10);
  assert.equal(
    sessionSettings({ max_tool_iterations: 0 }, { max_tool_iterations: 3 }, "continue").maxToolIterations,
    0,
  );
});
