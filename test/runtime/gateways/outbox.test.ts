import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";

import { createSystemClock } from "../../../src/adapters/clock/system.ts";
import { MemoryRecords, MemorySessionStore } from "../../../src/adapters/stores/sessions/memory.ts";
import type { GatewayAnswer, GatewayRequest } from "../../../src/ports/gateway-host.ts";
import type { SessionStore } from "../../../src/ports/session-store.ts";
import type { Tool } from "../../../src/ports/tool.ts";
import type { SessionId } from "../../../src/schema/ids.ts";
import { DuragentError } from "../../../src/schema/problem.ts";
import type { SessionEvent } from "../../../src/schema/session-event.ts";
import { allCapabilities, FakeGatewayHost } from "../../support/fake-gateway-host.ts";
import { gate } from "../../support/fake-model.ts";
import { eventsOf, harness, type Harness, type HarnessOptions } from "../../support/runtime-harness.ts";
import { until } from "../../support/until.ts";
import { createVirtualClock, type VirtualClock } from "../../support/virtual-clock.ts";

type World = { running: Harness; host: FakeGatewayHost; clock: VirtualClock; records: MemoryRecords };

function world(
  t: TestContext,
  options: Partial<HarnessOptions> & { records?: MemoryRecords; clock?: VirtualClock; host?: FakeGatewayHost } = {},
): World {
  const clock = options.clock ?? createVirtualClock();
  const records = options.records ?? new MemoryRecords();
  const host = options.host ?? new FakeGatewayHost();
  const running = harness({ store: new MemorySessionStore({ clock, records }), gateways: host, ...options, clock });
  t.after(() => running.sessions.stop(0));
  return { running, host, clock, records };
}

async function chatSession({ running }: World, chatId = "c", chatType: "dm" | "group" = "dm", name = "test") {
  const gateway = { name, chatId, chatType };
  return (await running.sessions.create({ agent: "tester", onDisconnect: "continue", gateway })).session.sessionId;
}

const say = (
  { running }: World,
  id: SessionId,
  content: string,
  more: { gatewayMessageId?: string; threadId?: string } = {},
) => running.sessions.send(id, { content, source: "gateway:test", mayDecide: true, ...more });

type DeliveryEvent = Extract<SessionEvent, { type: "gateway_delivery" }>;
const deliveriesIn = (events: readonly SessionEvent[]): DeliveryEvent[] =>
  events.filter((event) => event.type === "gateway_delivery");

async function delivered({ running }: World, id: SessionId, count: number): Promise<DeliveryEvent[]> {
  let deliveries: DeliveryEvent[] = [];
  await until(`${count} deliveries`, async () => {
    deliveries = deliveriesIn(await eventsOf(running, id));
    return deliveries.length >= count;
  });
  return deliveries;
}

/** As often as the plan says otherwise, in its order; then all works. */
const planned = (...plan: GatewayAnswer[]) => {
  const left = [...plan];
  return (): GatewayAnswer | undefined => left.shift();
};
const error = (code: string, retryAfterMs?: number): GatewayAnswer => ({
  kind: "error",
  code,
  detail: "so it said",
  ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
});
const unanswered = (why: "not_ready" | "ended" | "not_reading" | "timeout"): GatewayAnswer => ({
  kind: "unanswered",
  why,
  detail: `it was ${why}`,
});

/** Until nothing that could happen at once is left to happen. */
async function settled(): Promise<void> {
  for (let turns = 0; turns < 50; turns += 1) await new Promise(setImmediate);
}

/** Lets time pass until so many have been asked. */
async function asksAfter({ host, clock }: World, count: number, stepMs = 100): Promise<number> {
  let passedMs = 0;
  await until(`${count} requests`, async () => {
    if (host.asked.length >= count) return true;
    clock.advance(stepMs);
    passedMs += stepMs;
    // What is due now happens before more time passes.
    for (let turns = 0; turns < 5; turns += 1) await new Promise(setImmediate);
    return false;
  });
  return passedMs;
}

const requestIds = (asked: readonly GatewayRequest[]): string[] => asked.map((request) => request.request_id);

test("an answer goes to its chat, and its delivery is recorded with the platform's id", async (t) => {
  const one = world(t);
  const id = await chatSession(one);
  await say(one, id, "hello");
  const [delivery] = await delivered(one, id, 1);
  assert.deepEqual([delivery?.status, delivery?.message_id], ["sent", "m1"]);
  const [request] = one.host.asked;
  assert.deepEqual(request, {
    type: "send_message",
    request_id: delivery?.request_id,
    chat_id: "c",
    content: "echo: hello",
  });
});

test("nothing is recorded as delivered before the gateway has said so", async (t) => {
  const one = world(t);
  const answered = gate();
  one.host.answer = async () => {
    await answered.opened;
    return { kind: "ok", messageId: "late" };
  };
  const id = await chatSession(one);
  await say(one, id, "hello");
  await until("asked", () => one.host.asked.length === 1);
  await settled();
  assert.deepEqual(deliveriesIn(await eventsOf(one.running, id)), []);
  answered.open();
  assert.equal((await delivered(one, id, 1))[0]?.message_id, "late");
});

test("what refers to a message, and its thread, goes only to a gateway that knows such", async (t) => {
  for (const [capabilities, expected] of [
    [allCapabilities, { reply_to: "g1", thread_id: "t1" }],
    [["reply"], { reply_to: "g1" }],
    [[], {}],
  ] as const) {
    const one = world(t);
    one.host.set("test", { capabilities });
    const id = await chatSession(one, "c", "group");
    await say(one, id, "hello", { gatewayMessageId: "g1", threadId: "t1" });
    await delivered(one, id, 1);
    const [request] = one.host.asked;
    assert.ok(request?.type === "send_message");
    const { reply_to, thread_id } = request;
    assert.deepEqual({ reply_to, thread_id }, { reply_to: undefined, thread_id: undefined, ...expected });
  }
});

test("a chat is told things in their order, whichever session they are of, and while an earlier one is tried again", async (t) => {
  const one = world(t);
  one.host.answer = planned(error("platform_error"));
  const first = await chatSession(one);
  await say(one, first, "one");
  await until("tried", () => one.host.asked.length === 1);
  one.clock.advance(10);
  const second = await chatSession(one);
  await say(one, second, "two");
  await settled();
  one.clock.advance(10);
  await say(one, first, "three");
  await settled();
  assert.deepEqual(one.host.texts, ["echo: one"]);
  await asksAfter(one, 4);
  assert.deepEqual(one.host.texts, ["echo: one", "echo: one", "echo: two", "echo: three"]);
});

test("a restart goes on with the oldest of a chat, whichever of its sessions is found first", async (t) => {
  const before = world(t);
  before.host.set("test", { ready: false });
  const older = await chatSession(before);
  before.clock.advance(5);
  const newer = await chatSession(before);
  for (const [id, text] of [
    [older, "one"],
    [newer, "two"],
    [older, "three"],
  ] as const) {
    await say(before, id, text);
    await until("sent", async () =>
      (await eventsOf(before.running, id)).some(
        (event) => event.type === "gateway_send" && event.content === `echo: ${text}`,
      ),
    );
    before.clock.advance(5);
  }
  await before.running.sessions.stop(0);
  assert.deepEqual(before.host.asked, []);

  const after = world(t, { records: before.records, clock: before.clock });
  await after.running.sessions.start();
  await until("told", () => after.host.asked.length === 3);
  assert.deepEqual(after.host.texts, ["echo: one", "echo: two", "echo: three"]);
});

test("an error is tried three times under the same id, after 1 s and 4 s, and then recorded; the next goes on", async (t) => {
  const one = world(t);
  one.host.answer = planned(error("chat_not_found"), unanswered("timeout"), error("platform_error"));
  const id = await chatSession(one);
  await say(one, id, "lost");
  await until("asked", () => one.host.asked.length === 1);
  await settled();
  await say(one, id, "kept");
  await settled();
  assert.equal(await asksAfter(one, 2), 1_000);
  await settled();
  assert.equal(await asksAfter(one, 3), 4_000);
  const deliveries = await delivered(one, id, 2);
  assert.deepEqual(
    deliveries.map(({ status, error: said }) => [status, said]),
    [
      ["failed", "platform_error: so it said"],
      ["sent", undefined],
    ],
  );
  assert.deepEqual(one.host.texts, ["echo: lost", "echo: lost", "echo: lost", "echo: kept"]);
  assert.equal(new Set(requestIds(one.host.asked.slice(0, 3))).size, 1);
  assert.ok(one.running.log.some(({ level, message }) => level === "warn" && message.includes("given up")));
});

test("a rate limit is waited out as long as the platform says, however often, and is no failure", async (t) => {
  const one = world(t);
  one.host.answer = planned(...Array.from({ length: 5 }, () => error("rate_limited", 7_000)), error("rate_limited"));
  const id = await chatSession(one);
  await say(one, id, "patient");
  await until("asked", () => one.host.asked.length === 1);
  for (let count = 2; count <= 6; count += 1) {
    await settled();
    assert.equal(await asksAfter(one, count), 7_000);
  }
  await settled();
  assert.equal(await asksAfter(one, 7), 5_000);
  assert.equal((await delivered(one, id, 1))[0]?.status, "sent");
  assert.equal(new Set(requestIds(one.host.asked)).size, 1);
});

test("what a gateway could not be told while it was away goes out once it is there again, under the same id", async (t) => {
  for (const away of [
    error("not_connected"),
    unanswered("ended"),
    unanswered("not_ready"),
    unanswered("not_reading"),
  ]) {
    const one = world(t);
    one.host.answer = (request) => {
      if (one.host.asked.length > 1) return undefined;
      one.host.set("test", { ready: false });
      assert.equal(request.type, "send_message");
      return away;
    };
    const id = await chatSession(one);
    await say(one, id, "later");
    await until("asked", () => one.host.asked.length === 1);
    await settled();
    one.clock.advance(3 * 60_000);
    await settled();
    assert.equal(one.host.asked.length, 1, "nobody asks a gateway that is not there");
    one.host.set("test", { ready: true });
    one.running.sessions.gatewayChanged("test");
    assert.equal((await delivered(one, id, 1))[0]?.status, "sent");
    assert.equal(new Set(requestIds(one.host.asked)).size, 1);
  }
});

test("what waits for a gateway keeps none of its sessions awake", async (t) => {
  const one = world(t);
  one.host.set("test", { ready: false });
  for (let chat = 0; chat < 3; chat += 1) {
    const id = await chatSession(one, `c${chat}`);
    await say(one, id, "later");
    await until("written", async () => (await eventsOf(one.running, id)).some(({ type }) => type === "turn_end"));
  }
  const opened: SessionId[] = [];
  const { store } = one.running.parts;
  const open = store.open.bind(store);
  store.open = (id) => (opened.push(id), open(id));
  for (let minutes = 0; minutes < 60; minutes += 1) {
    one.clock.advance(60_000);
    await settled();
  }
  assert.deepEqual(opened, []);
  one.host.set("test", { ready: true });
  one.running.sessions.gatewayChanged("test");
  await until("told", () => one.host.asked.length === 3);
  assert.equal(new Set(opened).size, 3, "they had gone to sleep");
});

test("a gateway that has lost its platform is asked again and again, which is no failure", async (t) => {
  const one = world(t);
  one.host.answer = planned(...Array.from({ length: 5 }, () => error("not_connected")));
  const id = await chatSession(one);
  await say(one, id, "patient");
  await until("asked", () => one.host.asked.length === 1);
  for (const [index, afterMs] of [1_000, 2_000, 4_000, 8_000, 10_000].entries()) {
    await settled();
    assert.equal(await asksAfter(one, index + 2), afterMs);
  }
  assert.equal((await delivered(one, id, 1))[0]?.status, "sent");
});

test("a gateway that came back while it was being asked is asked again at once", async (t) => {
  const one = world(t);
  one.host.answer = () => {
    if (one.host.asked.length > 1) return undefined;
    one.running.sessions.gatewayChanged("test");
    return error("not_connected");
  };
  const id = await chatSession(one);
  await say(one, id, "flicker");
  assert.equal((await delivered(one, id, 1))[0]?.status, "sent");
});

test("a message that ends its gateway's program again and again is given up", async (t) => {
  const one = world(t);
  one.host.answer = (request) =>
    request.type === "send_message" && request.content.includes("poison") ? unanswered("ended") : undefined;
  const id = await chatSession(one);
  await say(one, id, "poison");
  await asksAfter(one, 10, 1_000);
  await say(one, id, "well");
  const deliveries = await delivered(one, id, 2);
  assert.deepEqual(
    deliveries.map(({ status }) => status),
    ["failed", "sent"],
  );
  assert.equal(one.host.asked.length, 11);
});

test("chats do not wait for each other, nor gateways", async (t) => {
  const one = world(t);
  one.host.set("other", { ready: true });
  one.host.answer = (request) =>
    "chat_id" in request && request.chat_id.startsWith("stuck") ? new Promise(() => {}) : undefined;
  for (let chat = 0; chat < 20; chat += 1) await say(one, await chatSession(one, `stuck${chat}`), "x");
  await until("as many as may be on their way are", () => one.host.asked.length === 16);
  await settled();
  assert.equal(one.host.asked.length, 16);
  const id = await chatSession(one, "free", "dm", "other");
  await say(one, id, "hello");
  assert.equal((await delivered(one, id, 1))[0]?.status, "sent");
});

test("a chat of a gateway that nobody configures is told nothing, and the session says why", async (t) => {
  const one = world(t);
  const id = await chatSession(one, "c", "dm", "gone");
  await say(one, id, "hello");
  const [delivery] = await delivered(one, id, 1);
  assert.deepEqual([delivery?.status, one.host.asked.length], ["failed", 0]);
  assert.match(delivery?.error ?? "", /no gateway gone is configured/);
});

test("a turn does not wait for its chat", async (t) => {
  const one = world(t);
  one.host.answer = () => new Promise(() => {});
  const id = await chatSession(one);
  await say(one, id, "one");
  await until("asked", () => one.host.asked.length === 1);
  const second = await say(one, id, "two");
  const answer = await one.running.sessions.answer(id, second.messageId, {
    timeoutMs: 5_000,
    signal: new AbortController().signal,
  });
  assert.equal(answer.kind, "ended");
});

test("what is on its way when the server stops is left, and sent again by the next under the same id", async (t) => {
  const before = world(t);
  before.host.answer = () => new Promise(() => {});
  const id = await chatSession(before);
  await say(before, id, "hello");
  await until("asked", () => before.host.asked.length === 1);
  await before.running.sessions.stop(0);
  assert.deepEqual(deliveriesIn(await eventsOf(before.running, id)), []);

  const after = world(t, { records: before.records, clock: before.clock });
  await after.running.sessions.start();
  await delivered(after, id, 1);
  assert.deepEqual(requestIds(after.host.asked), requestIds(before.host.asked));
});

test("what a turn says while the server comes to rest goes out before it stops", async () => {
  const host = new FakeGatewayHost();
  const clock = createSystemClock();
  // A platform takes its time.
  host.answer = () => clock.sleep(50).then(() => ({ kind: "ok", messageId: "1" }));
  const store = new MemorySessionStore({ clock });
  const running = harness({ store, gateways: host });
  const held = gate();
  running.model.reply({ text: ["late"], hold: held.opened });
  const gateway = { name: "test", chatId: "c", chatType: "dm" as const };
  const id = (await running.sessions.create({ agent: "tester", gateway })).session.sessionId;
  const holding = running.model.holding();
  await running.sessions.send(id, { content: "hello", source: "gateway:test" });
  await holding;
  const stopping = running.sessions.stop(5_000);
  held.open();
  await stopping;
  assert.equal(host.asked.length, 1);
  assert.equal(deliveriesIn(await Array.fromAsync(store.read(id))).length, 1);
});

test("what went out is not sent again because its delivery could not be recorded at once", async (t) => {
  const clock = createVirtualClock();
  const store = new MemorySessionStore({ clock });
  const one = world(t, { clock, store: refusingDeliveries(store, 2) });
  const id = await chatSession(one);
  await say(one, id, "hello");
  await until("asked", () => one.host.asked.length === 1);
  await until("recorded", async () => {
    clock.advance(1_000);
    return deliveriesIn(await eventsOf(one.running, id)).length === 1;
  });
  assert.equal(one.host.asked.length, 1);
});

const asking: Tool = {
  definition: { name: "risky", description: "is asked about", parameters: { type: "object" } },
  effect: "unsafe",
  fault: () => null,
  describe: () => ({ type: "builtin", text: "risky" }),
  run: () => Promise.resolve({ success: true, content: "done", outcome: "ok" }),
};
const askingWorld = (t: TestContext): World =>
  world(t, { tools: [asking], policy: () => ({ policy: "ask", denial: null }) });

async function asked(one: World, id: SessionId): Promise<{ callId: string; approvalId: string }> {
  one.running.model.reply({ calls: [{ call_id: "c1", tool_name: "risky", arguments: {} }] });
  await say(one, id, "do it");
  await until("asked about", async () => (await one.running.sessions.get(id)).pendingApprovals.length === 1);
  const [question] = (await one.running.sessions.get(id)).pendingApprovals;
  return question ?? assert.fail();
}

test("a question has buttons where the gateway knows them, else words to answer with", async (t) => {
  for (const hasButtons of [true, false]) {
    const one = askingWorld(t);
    if (!hasButtons) one.host.set("test", { capabilities: ["edit"] });
    const id = await chatSession(one);
    await asked(one, id);
    await delivered(one, id, 1);
    const [request] = one.host.asked;
    assert.ok(request?.type === "send_message");
    assert.equal(request.inline_keyboard !== undefined, hasButtons);
    assert.equal(request.content.endsWith("Reply yes, always or no."), !hasButtons, request.content);
  }
});

test("the outcome replaces the question; where that can not be, it is said in a message of its own", async (t) => {
  for (const [capabilities, messageId, expected] of [
    [allCapabilities, "m1", "edit_message"],
    [["inline_keyboard"], "m1", "send_message"],
    [allCapabilities, undefined, "send_message"],
  ] as const) {
    const one = askingWorld(t);
    one.host.set("test", { capabilities });
    one.host.answer = () => ({ kind: "ok", ...(messageId === undefined ? {} : { messageId }) });
    const id = await chatSession(one);
    const { callId } = await asked(one, id);
    await delivered(one, id, 1);
    await one.running.sessions.decide(id, { callId, decision: "deny", decidedBy: "u1" });
    await delivered(one, id, 2);
    const request = one.host.asked[1];
    assert.equal(request?.type, expected);
    assert.match(request && "content" in request ? request.content : "", /Denied/);
    if (request?.type === "edit_message") assert.equal(request.message_id, "m1");
  }
});

test("a question that was answered before it could be asked in the chat is not asked there, nor is its outcome said", async (t) => {
  const one = askingWorld(t);
  one.host.set("test", { ready: false });
  const id = await chatSession(one);
  const { callId } = await asked(one, id);
  await one.running.sessions.decide(id, { callId, decision: "allow_once", decidedBy: "http" });
  await until("turn ended", async () => (await eventsOf(one.running, id)).some((event) => event.type === "turn_end"));
  one.host.set("test", { ready: true });
  one.running.sessions.gatewayChanged("test");
  const deliveries = await delivered(one, id, 3);
  assert.deepEqual(
    deliveries.map(({ status }) => status),
    ["failed", "failed", "sent"],
  );
  assert.match(deliveries[0]?.error ?? "", /answered before/);
  assert.match(deliveries[1]?.error ?? "", /had not been sent/);
});

/** The store has no room for the first deliveries. */
function refusingDeliveries(store: SessionStore, times: number): SessionStore {
  let left = times;
  return new Proxy(store, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (name !== "append") return typeof value === "function" ? value.bind(target) : value;
      const append: SessionStore["append"] = (id, appendId, events, options) => {
        if (left > 0 && events.some((event) => event.type === "gateway_delivery")) {
          left -= 1;
          const full = new DuragentError("overloaded", "no room", { retryAfterMs: 1_000 });
          return Promise.resolve({ kind: "unavailable", error: full });
        }
        return target.append(id, appendId, events, options);
      };
      return append;
    },
  });
}
