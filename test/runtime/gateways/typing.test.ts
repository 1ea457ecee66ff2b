import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { MemorySessionStore } from "../../../src/adapters/stores/sessions/memory.ts";
import type { Tool } from "../../../src/ports/tool.ts";
import { FakeGatewayHost } from "../../support/fake-gateway-host.ts";
import { gate } from "../../support/fake-model.ts";
import { eventually, harness, type HarnessOptions } from "../../support/runtime-harness.ts";
import { until } from "../../support/until.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

async function chatting(t: TestContext, options: Partial<HarnessOptions> = {}) {
  const clock = createVirtualClock();
  const host = new FakeGatewayHost();
  const running = harness({ store: new MemorySessionStore({ clock }), gateways: host, ...options, clock });
  t.after(() => running.sessions.stop(0));
  const id = await running.sessions.chats.ensure({ gateway: "test", chatId: "c", chatType: "group" }, "tester");
  const say = (threadId?: string) =>
    running.sessions.send(id, {
      content: "work",
      source: "gateway:test",
      senderId: "u1",
      gatewayMessageId: "g1",
      ...(threadId === undefined ? {} : { threadId }),
    });
  const durations = (): number[] => host.told.flatMap((hint) => (hint.type === "send_typing" ? [hint.duration] : []));
  return { running, host, clock, id, say, durations };
}

test("a chat sees that its turn is at work: at once, every 4 s, and that it is over, once", async (t) => {
  const { running, host, clock, id, say, durations } = await chatting(t);
  assert.deepEqual(durations(), []);
  const hold = gate();
  running.model.reply({ text: ["x"], hold: hold.opened });
  await say("t1");
  await running.model.nextRequest();
  assert.deepEqual(durations(), [5]);
  clock.advance(3_999);
  assert.deepEqual(durations(), [5]);
  clock.advance(1);
  clock.advance(4_000);
  assert.deepEqual(durations(), [5, 5, 5]);
  hold.open();
  await eventually(running, id, (event) => event.type === "turn_end");
  await until("stopped", () => durations().at(-1) === 0);
  clock.advance(60_000);
  assert.deepEqual(durations(), [5, 5, 5, 0]);
  assert.deepEqual(host.told[0], { type: "send_typing", chat_id: "c", duration: 5, thread_id: "t1" });
});

test("nothing is shown to a gateway that does not know it, nor a thread to one without threads", async (t) => {
  for (const capabilities of [[], ["typing"]]) {
    const { running, host, id, say } = await chatting(t);
    host.set("test", { capabilities });
    await say("t1");
    await eventually(running, id, (event) => event.type === "turn_end");
    assert.deepEqual(
      host.told.filter((hint) => hint.type === "send_typing" && hint.duration > 0),
      capabilities.length === 0 ? [] : [{ type: "send_typing", chat_id: "c", duration: 5 }],
    );
  }
});

test("who is asked to allow something sees nobody typing until it is answered", async (t) => {
  const risky: Tool = {
    definition: { name: "risky", description: "is asked about", parameters: { type: "object" } },
    effect: "unsafe",
    fault: () => null,
    describe: () => ({ type: "builtin", text: "risky" }),
    run: () => Promise.resolve({ success: true, content: "done", outcome: "ok" }),
  };
  const { running, clock, id, say, durations } = await chatting(t, {
    tools: [risky],
    policy: () => ({ policy: "ask", denial: null }),
  });
  running.model.reply({ calls: [{ call_id: "c1", tool_name: "risky", arguments: {} }] });
  await say();
  await eventually(running, id, (event) => event.type === "approval_required");
  await until("stopped", () => durations().at(-1) === 0);
  const before = durations().length;
  clock.advance(60_000);
  assert.equal(durations().length, before);
  const hold = gate();
  running.model.reply({ text: ["x"], hold: hold.opened });
  await running.sessions.decide(id, { callId: "c1", decision: "allow_once", decidedBy: "u1" });
  await until("goes on", () => durations().at(-1) === 5);
  hold.open();
  await until("over", () => durations().at(-1) === 0);
});

test("after the server has begun to stop nobody is typing", async (t) => {
  const { running, clock, say, durations } = await chatting(t);
  running.model.reply({ text: ["x"], hold: new Promise(() => {}) });
  await say();
  await running.model.nextRequest();
  let isStopped = false;
  const stopped = running.sessions.stop(0).then(() => (isStopped = true));
  await until("stopped", () => {
    clock.advance(1);
    return isStopped;
  });
  await stopped;
  assert.deepEqual(durations(), [5, 0]);
  clock.advance(60_000);
  assert.deepEqual(durations(), [5, 0]);
});
