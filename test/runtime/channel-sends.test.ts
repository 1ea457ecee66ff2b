import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import type { Notification, Notified, Notifier } from "../../src/ports/notifier.ts";
import type { Tool, ToolContext } from "../../src/ports/tool.ts";
import type { NotifyChannels } from "../../src/runtime/parts.ts";
import type { SessionId } from "../../src/schema/ids.ts";
import { gate } from "../support/fake-model.ts";
import { eventsOf, eventually, harness, newSession, typesOf, type Harness } from "../support/runtime-harness.ts";
import { openRestartableStore, openTestStore } from "../support/test-store.ts";

const message = { source: "http", mayDecide: true };
const channels: NotifyChannels = {
  default: "ops",
  channels: { ops: "webhook", other: "webhook", me: { gateway: "tg", chatId: "7" } },
};

/** What channels were told, and what they answer next; without a plan they take everything. */
function channelsThatAnswer(...plan: Notified[]): Notifier & { told: (Notification & { channel: string })[] } {
  const told: (Notification & { channel: string })[] = [];
  return {
    told,
    notify: (channel, notification) => {
      told.push({ ...notification, channel });
      return Promise.resolve(plan.shift() ?? { kind: "sent" });
    },
  };
}

/** A tool that does what it is given with its session. */
const telling = (run: (context: ToolContext) => Promise<string>): Tool => ({
  definition: { name: "tell", description: "tells", parameters: { type: "object" } },
  effect: "idempotent",
  fault: () => null,
  describe: () => ({ type: "builtin", text: "tell" }),
  run: async (_call, context) => ({ success: true, content: await run(context), outcome: "ok" }),
});

async function oneTurn(running: Harness, id: SessionId): Promise<string> {
  running.model.reply({ calls: [{ call_id: "c1", tool_name: "tell", arguments: {} }] });
  const sent = await running.sessions.send(id, { content: "go", ...message });
  await running.sessions.answer(id, sent.messageId, { timeoutMs: 5_000, signal: new AbortController().signal });
  const result = await eventually(running, id, (event) => event.type === "tool_result");
  return result.type === "tool_result" ? result.result.content : "";
}

async function setUp(t: TestContext, notifier: Notifier, run: (context: ToolContext) => Promise<string>, asks = false) {
  const stop = stoppedAfter(t);
  const policy = () => ({ policy: asks ? ("ask" as const) : ("allow" as const), denial: null });
  const running = stop(
    harness({ store: await openTestStore(t), tools: [telling(run)], notify: channels, notifier, policy }),
  );
  return { running, id: await newSession(running, "continue") };
}

/** To be called before the store is opened: hooks run in their order, and a store that is gone answers no more. */
function stoppedAfter(t: TestContext): (running: Harness) => Harness {
  const started: Harness[] = [];
  t.after(() => Promise.all(started.map(({ sessions }) => sessions.stop(0))));
  return (running) => (started.push(running), running);
}

const notify = (content: string, key: string, channel?: string) => async (context: ToolContext) => {
  const to = await context.session.notify({
    content,
    idempotencyKey: `${context.idempotencyKey}.${key}`,
    ...(channel === undefined ? {} : { channel }),
  });
  return to.to;
};

test("a notice goes to the default channel, once, and its delivery is recorded", async (t) => {
  const notifier = channelsThatAnswer();
  const { running, id } = await setUp(t, notifier, async (context) => {
    await notify("done", "k")(context);
    return notify("done", "k")(context);
  });
  assert.equal(await oneTurn(running, id), "channel ops");
  await eventually(running, id, (event) => event.type === "gateway_delivery" && event.status === "sent");
  const sends = (await eventsOf(running, id)).filter((event) => event.type === "gateway_send");
  assert.equal(sends.length, 1);
  assert.deepEqual(
    notifier.told.map(({ channel, content, kind, agent }) => [channel, content, kind, agent]),
    [["ops", "done", "notice", "tester"]],
  );
});

test("a channel that does not exist is refused with what there is", async (t) => {
  const { running, id } = await setUp(t, channelsThatAnswer(), async (context) => {
    await assert.rejects(notify("x", "1", "nowhere")(context), /no channel nowhere.*ops, other, me/);
    await assert.rejects(notify("x", "2", "constructor")(context), /no channel constructor/);
    return "checked";
  });
  assert.equal(await oneTurn(running, id), "checked");
  assert.ok(!(await eventsOf(running, id)).some((event) => event.type === "gateway_send"));
});

test("a notice to a channel that is a gateway's chat waits in the outbox for that chat", async (t) => {
  const { running, id } = await setUp(t, channelsThatAnswer(), notify("done", "k", "me"));
  assert.equal(await oneTurn(running, id), "channel me");
  const sent = (await eventsOf(running, id)).find((event) => event.type === "gateway_send");
  assert.deepEqual([sent?.gateway, sent?.chat_id, sent?.content, sent?.channel], ["tg", "7", "done", undefined]);
});

test("a failed delivery is tried again with the same id, and a later message of its channel waits for it", async (t) => {
  const notifier = channelsThatAnswer({ kind: "failed", detail: "it answered 503" });
  const { running, id } = await setUp(t, notifier, async (context) => {
    await notify("first", "1")(context);
    await notify("second", "2")(context);
    return notify("aside", "3", "other")(context);
  });
  await oneTurn(running, id);
  const delivered = new Set<string>();
  await eventually(running, id, (event) => {
    if (event.type === "gateway_delivery") delivered.add(event.request_id);
    return delivered.size === 3;
  });
  const ops = notifier.told.filter(({ channel }) => channel === "ops");
  assert.deepEqual(
    ops.map(({ content }) => content),
    ["first", "first", "second"],
  );
  assert.equal(ops[0]?.requestId, ops[1]?.requestId);
  assert.equal(notifier.told.filter(({ channel }) => channel === "other").length, 1);
});

test("a refused message is given up and says why", async (t) => {
  const { running, id } = await setUp(
    t,
    channelsThatAnswer({ kind: "refused", detail: "it answered 404" }),
    notify("lost", "1"),
  );
  await oneTurn(running, id);
  const failed = await eventually(running, id, (event) => event.type === "gateway_delivery");
  assert.deepEqual(failed.type === "gateway_delivery" && [failed.status, failed.error], ["failed", "it answered 404"]);
});

test("a channel that does not answer delays no turn", async (t) => {
  const asked = gate();
  const notifier: Notifier = {
    notify: (_channel, _notification, signal) => {
      asked.open();
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("stopped")));
      });
    },
  };
  const { running, id } = await setUp(t, notifier, notify("slow", "1"));
  await oneTurn(running, id);
  await asked.opened;
  await oneTurn(running, id);
  assert.equal((await running.sessions.get(id)).activity, "idle");
});

test("what was not delivered when the process died goes out after the next start", async (t) => {
  const stop = stoppedAfter(t);
  const disk = await openRestartableStore(t);
  const silent: Notifier = { notify: () => new Promise(() => {}) };
  const options = { tools: [telling(notify("after all", "1"))], notify: channels };
  const first = harness({ store: disk.store, notifier: silent, ...options });
  const id = await newSession(first, "continue");
  await oneTurn(first, id);
  await disk.kill();

  const notifier = channelsThatAnswer();
  const second = stop(harness({ store: await disk.reopen(), notifier, ...options }));
  await second.sessions.start();
  await eventually(second, id, (event) => event.type === "gateway_delivery");
  assert.deepEqual(
    notifier.told.map(({ content }) => content),
    ["after all"],
  );
});

test("a question that nobody is there to see is announced on the default channel, once, with what answers it", async (t) => {
  const notifier = channelsThatAnswer();
  const { running, id } = await setUp(t, notifier, () => Promise.resolve("ran"), true);
  running.model.reply({ calls: [{ call_id: "c1", tool_name: "tell", arguments: {} }] });
  await running.sessions.send(id, { content: "go", ...message });
  await eventually(running, id, (event) => event.type === "gateway_delivery");
  const [told, ...more] = notifier.told;
  assert.deepEqual(more, []);
  assert.equal(told?.kind, "approval");
  assert.match(told?.content ?? "", new RegExp(`tell wants to run: tell[^]*duragent attach ${id}`));
  // A write that is cut keeps its beginning: it must be told rather than asked.
  const types = (await typesOf(running, id)).filter((type) => /^(gateway_send|approval_required)$/.test(type));
  assert.deepEqual(types, ["gateway_send", "approval_required"]);
  const [pending] = (await running.sessions.get(id)).pendingApprovals;
  assert.deepEqual([told?.approval?.callId, told?.approval?.approvalId], ["c1", pending?.approvalId]);
  const decided = await running.sessions.decide(id, { callId: "c1", decision: "allow_once", decidedBy: "http" });
  assert.equal(decided.repeated, false);
});

test("a question that a client sees is not announced", async (t) => {
  const notifier = channelsThatAnswer();
  const { running, id } = await setUp(t, notifier, () => Promise.resolve("ran"), true);
  await running.sessions.attach(id, {});
  running.model.reply({ calls: [{ call_id: "c1", tool_name: "tell", arguments: {} }] });
  await running.sessions.send(id, { content: "go", ...message });
  await eventually(running, id, (event) => event.type === "approval_required");
  assert.ok(!(await eventsOf(running, id)).some((event) => event.type === "gateway_send"));
});

test("a question that was answered before it could be announced is announced no more", async (t) => {
  let isDown = true;
  const down = gate();
  const told: Notification[] = [];
  const notifier: Notifier = {
    notify: (_channel, notification) => {
      if (!isDown) told.push(notification);
      down.open();
      return Promise.resolve(isDown ? { kind: "failed", detail: "it answered 503" } : { kind: "sent" });
    },
  };
  const { running, id } = await setUp(t, notifier, () => Promise.resolve("ran"), true);
  running.model.reply({ calls: [{ call_id: "c1", tool_name: "tell", arguments: {} }] });
  await running.sessions.send(id, { content: "go", ...message });
  await down.opened;
  await eventually(running, id, (event) => event.type === "approval_required");
  await running.sessions.decide(id, { callId: "c1", decision: "deny", decidedBy: "http" });
  await eventually(running, id, (event) => event.type === "turn_end");
  isDown = false;
  const failed = await eventually(running, id, (event) => event.type === "gateway_delivery");
  assert.equal(failed.type === "gateway_delivery" && failed.status, "failed");
  assert.deepEqual(told, []);
});
