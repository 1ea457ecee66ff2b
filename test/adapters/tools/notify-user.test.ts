import assert from "node:assert/strict";
import { test } from "node:test";

import { notifyUserTool } from "../../../src/adapters/tools/notify-user.ts";
import type { ToolContext, ToolSession } from "../../../src/ports/tool.ts";
import { DuragentError } from "../../../src/schema/problem.ts";
import type { ToolCall } from "../../../src/schema/session-event.ts";
import { toolContext } from "../../support/tool-context.ts";

// It needs nothing but the session of its call.
const tool = notifyUserTool();
const call = (given: ToolCall["arguments"]): ToolCall => ({
  call_id: "c1",
  tool_name: "notify_user",
  arguments: given,
});

const context = (notify: ToolSession["notify"]): ToolContext =>
  toolContext({ idempotencyKey: "key-of-the-call", session: { processStarted: () => Promise.resolve(), notify } });

test("a message goes out under the key of its call, and the model learns where to", async () => {
  const sent: unknown[] = [];
  const result = await tool.run(
    call({ message: " It is done. ", channel: "ops" }),
    context((message) => {
      sent.push(message);
      return Promise.resolve({ to: "channel ops" });
    }),
  );
  assert.deepEqual(sent, [{ content: "It is done.", channel: "ops", idempotencyKey: "key-of-the-call" }]);
  assert.deepEqual([result.outcome, result.content], ["ok", "On its way to channel ops."]);
});

test("a channel that can not be had is the model's to mend; a log that can not be written is not", async () => {
  const refused = new DuragentError("bad-request", "there is no channel nowhere; the channels are: ops");
  const told = await tool.run(
    call({ message: "x", channel: "nowhere" }),
    context(() => Promise.reject(refused)),
  );
  assert.deepEqual([told.outcome, told.content], ["error", refused.message]);
  const failed = new DuragentError("storage-failed", "the disk is gone");
  await assert.rejects(
    tool.run(
      call({ message: "x" }),
      context(() => Promise.reject(failed)),
    ),
    failed,
  );
});

test("an empty message, one without end and unknown keys are faults", () => {
  assert.equal(tool.fault(call({ message: "x" })), null);
  const wrong: ToolCall["arguments"][] = [
    {},
    { message: " " },
    { message: "x".repeat(16_001) },
    { message: "x", to: "ops" },
    { message: 1 },
  ];
  for (const given of wrong) assert.match(tool.fault(call(given)) ?? "", /nothing was run/);
  assert.equal(tool.effect, "idempotent");
  assert.deepEqual(tool.describe(call({ message: "x" })), { type: "builtin", text: "notify_user" });
});
