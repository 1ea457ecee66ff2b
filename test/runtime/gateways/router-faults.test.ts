import assert from "node:assert/strict";
import { test } from "node:test";

import type { RouterParts } from "../../../src/runtime/gateways/router-parts.ts";
import type { SendMessage, Sent } from "../../../src/runtime/runtime.ts";
import type { SessionId } from "../../../src/schema/ids.ts";
import { DuragentError } from "../../../src/schema/problem.ts";
import type { Appended, SessionStore } from "../../../src/ports/session-store.ts";
import { eventually } from "../../support/runtime-harness.ts";
import { routedChats, type RoutedChats } from "../../support/routed-chats.ts";
import { openRestartableStore, openTestStore } from "../../support/test-store.ts";
import { until } from "../../support/until.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

type Send = (id: SessionId, message: SendMessage) => Promise<Sent>;

/** Puts `send` in the place of the sessions' own, which it is given. */
const sending = (send: (own: Send) => Send) => (parts: RouterParts) => ({
  ...parts,
  sessions: { ...parts.sessions, send: send((id, message) => parts.sessions.send(id, message)) },
});

const contents = async (running: RoutedChats): Promise<string[]> =>
  (await running.eventsIn()).flatMap((event) => (event.type === "user_message" ? [event.content] : []));

test("nothing is confirmed before it is durable", async (t) => {
  const gate = Promise.withResolvers<void>();
  const parts = sending((own) => async (id, message) => {
    await gate.promise;
    return own(id, message);
  });
  const running = routedChats({ store: await openTestStore(t), parts });
  const said = running.say("7", "hello", { id: "m" });
  await until(
    "the session to be there",
    () => running.sessions.chats.open({ gateway: "test", chatId: "dm" }) !== undefined,
  );
  assert.deepEqual(running.gateways.acks, []);
  gate.resolve();
  await said;
  assert.deepEqual(running.gateways.acks, ["m"]);
  assert.deepEqual(await contents(running), ["hello"]);
});

test("what the store refuses for a while is tried again, in its order, and confirmed then", async (t) => {
  const clock = createVirtualClock({ sleepsPass: true });
  let refusals = 4;
  const codes = ["storage-full", "overloaded", "storage-failed"] as const;
  const parts = sending((own) => (id, message) => {
    refusals -= 1;
    return refusals < 0 ? own(id, message) : Promise.reject(new DuragentError(codes[refusals % 3]!, "not now"));
  });
  const running = routedChats({ store: await openTestStore(t, clock), clock, parts });
  await Promise.all([running.say("7", "one", { id: "1" }), running.say("7", "two", { id: "2" })]);
  assert.deepEqual(await contents(running), ["one", "two"]);
  assert.deepEqual(running.gateways.acks, ["1", "2"]);
  assert.deepEqual({ ...running.counted }, { taken: 2 });
});

test("what can not be written within a minute is not confirmed, and taken in when it is delivered again", async (t) => {
  const clock = createVirtualClock({ sleepsPass: true });
  let isFull = true;
  const parts = sending(
    (own) => (id, message) =>
      isFull ? Promise.reject(new DuragentError("storage-full", "the disk is full")) : own(id, message),
  );
  const running = routedChats({ store: await openTestStore(t, clock), clock, parts });
  await running.say("7", "hello", { id: "m" });
  assert.ok(clock.monotonic() > 40_000 && clock.monotonic() <= 60_000, String(clock.monotonic()));
  assert.deepEqual(running.gateways.acks, []);
  assert.deepEqual({ ...running.counted }, { put_off: 1 });
  isFull = false;
  await running.say("7", "hello", { id: "m" });
  assert.deepEqual(running.gateways.acks, ["m"]);
  assert.deepEqual(await contents(running), ["hello"]);
});

test("where nothing is delivered again it is tried for ten minutes, and named as lost without what it says", async (t) => {
  const clock = createVirtualClock({ sleepsPass: true });
  const parts = sending(() => () => Promise.reject(new DuragentError("storage-full", "the disk is full")));
  const running = routedChats({ store: await openTestStore(t, clock), clock, parts });
  running.gateways.capabilities = [];
  await running.say("7", "my secret", { id: "m-lost" });
  assert.ok(clock.monotonic() > 580_000 && clock.monotonic() <= 600_000, String(clock.monotonic()));
  assert.deepEqual({ ...running.counted }, { lost: 1 });
  assert.ok(
    running.log.some(
      ({ level, message }) =>
        level === "error" && message.startsWith("a message is lost") && message.includes("m-lost"),
    ),
  );
  assert.ok(running.log.every(({ message }) => !message.includes("my secret")));
});

test("a message that is in the log but was not noted when the server died is no second one", async (t) => {
  const disk = await openRestartableStore(t);
  const noted = Promise.withResolvers<void>();
  const before = routedChats({
    store: disk.store,
    parts: (parts) => ({
      ...parts,
      seen: {
        has: (chat, key) => parts.seen.has(chat, key),
        note: () => (noted.resolve(), new Promise(() => {})),
      },
    }),
  });
  void before.say("7", "hello", { id: "m" });
  await noted.promise;
  assert.deepEqual(before.gateways.acks, []);
  await disk.kill();
  const after = routedChats({ store: await disk.reopen() });
  await after.sessions.start();
  await after.say("7", "hello", { id: "m" });
  assert.deepEqual(await contents(after), ["hello"]);
  assert.deepEqual(after.gateways.acks, ["m"]);
  assert.deepEqual({ ...after.counted }, { repeated: 1 });
});

test("without any index a session knows its messages, also of somebody with another name by now", async (t) => {
  const running = routedChats({
    store: await openTestStore(t),
    parts: (parts) => ({ ...parts, seen: { has: () => Promise.resolve(false), note: () => Promise.resolve() } }),
  });
  const said = { id: "m", chat: "g", type: "group", mention: true };
  for (const name of ["Ann", "Ann", "Anne"])
    await running.say("7", "hello", { ...said, event: { sender: { id: "7", display_name: name } } });
  assert.deepEqual({ ...running.counted }, { taken: 1, repeated: 2 });
  assert.equal((await running.eventsIn("g")).filter(({ type }) => type === "user_message").length, 1);
  assert.deepEqual(running.gateways.acks, ["m", "m", "m"]);
});

test("that the index can not be written does not hold a message up that the log has", async (t) => {
  const full = new DuragentError("storage-full", "the disk is full");
  const running = routedChats({
    store: await openTestStore(t),
    parts: (parts) => ({ ...parts, seen: { has: () => Promise.resolve(false), note: () => Promise.reject(full) } }),
  });
  await running.say("7", "hello", { id: "m" });
  assert.deepEqual(running.gateways.acks, ["m"]);
});

test("what nothing but the index knows is confirmed when that is written", async (t) => {
  const clock = createVirtualClock({ sleepsPass: true });
  let failures = 2;
  const running = routedChats({
    store: await openTestStore(t, clock),
    clock,
    access: { dm: { policy: "disabled" } },
    parts: (parts) => ({
      ...parts,
      seen: {
        has: (chat, key) => parts.seen.has(chat, key),
        note: (seen) =>
          (failures -= 1) < 0 ? parts.seen.note(seen) : Promise.reject(new DuragentError("storage-full", "full")),
      },
    }),
  });
  await running.say("7", "hello", { id: "m" });
  assert.equal(failures, -1);
  assert.deepEqual(running.gateways.acks, ["m"]);
});

test("a message for a session that ends meanwhile is in the chat's next one", async (t) => {
  let ends = 2;
  const parts = (all: RouterParts) => ({
    ...all,
    sessions: {
      ...all.sessions,
      async send(id: SessionId, message: SendMessage) {
        ends -= 1;
        if (ends >= 0) await all.sessions.control(id, { action: "end", by: "test", attached: true });
        return all.sessions.send(id, message);
      },
    },
  });
  const running = routedChats({ store: await openTestStore(t), parts });
  await running.say("7", "hello");
  assert.deepEqual(await contents(running), ["hello"]);
  assert.equal(running.sessions.chats.recentOf({ gateway: "test", chatId: "dm" }).length, 3);
});

test("a message that slips in behind a request to end is in the chat's next session", async (t) => {
  const real = await openTestStore(t);
  let letGo: ((appended: Appended) => void) | undefined;
  const store = new Proxy(real, {
    get(target, name) {
      if (name === "append") return appendEndLast;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  // The end stands in the log's queue; who asked hears of it after the message has been queued behind it.
  const appendEndLast: SessionStore["append"] = async (id, appendId, drafts, options) => {
    const appended = await real.append(id, appendId, drafts, options);
    if (drafts[0]?.type === "control_requested") return new Promise((resolve) => (letGo = () => resolve(appended)));
    letGo?.(appended);
    return appended;
  };
  const running = routedChats({ store });
  await running.say("7", "hello");
  const [first] = running.sessions.chats.sessionsOf({ gateway: "test", chatId: "dm" });
  assert.ok(first);
  await eventually(running, first, ({ type }) => type === "gateway_delivery");
  const ending = running.sessions.control(first, { action: "end", by: "http", attached: true });
  await until("the end is queued", () => letGo !== undefined);
  await running.say("7", "and another thing", { id: "late" });
  await ending;
  const [second] = running.sessions.chats.sessionsOf({ gateway: "test", chatId: "dm" });
  assert.ok(second && second !== first);
  assert.deepEqual(await contents(running), ["hello", "and another thing", "and another thing"]);
  const dropped = await eventually(running, first, ({ type }) => type === "messages_dropped");
  assert.equal(dropped.type === "messages_dropped" && dropped.reason, "the session ends");
  await eventually(running, second, ({ type }) => type === "turn_end");
});

test("what would always be refused is dropped, said once a minute, and confirmed", async (t) => {
  const parts = sending(
    () => () => Promise.reject(new DuragentError("session-corrupt", "line 3 of /secret/path is damaged")),
  );
  const running = routedChats({ store: await openTestStore(t), parts });
  await running.say("7", "one", { id: "1" });
  await running.say("7", "two", { id: "2" });
  await running.router.stop();
  assert.deepEqual(running.gateways.acks, ["1", "2"]);
  assert.deepEqual({ ...running.counted }, { unfit: 2 });
  assert.deepEqual(running.gateways.said, [
    "This message could not be taken in (session-corrupt). Whoever runs this bot finds out more with `duragent doctor`.",
  ]);
});

test("a press whose session can not be read is confirmed all the same, and named in the log", async (t) => {
  const damaged = () => Promise.reject(new DuragentError("session-corrupt", "line 3 is damaged"));
  const running = routedChats({
    store: await openTestStore(t),
    parts: (parts) => ({ ...parts, sessions: { ...parts.sessions, get: damaged } }),
  });
  await running.say("7", "hello");
  await running.press("7", "approve:deny", { id: "p" });
  assert.equal(running.gateways.acks.at(-1), "p");
  assert.equal(running.gateways.said.at(-1), "press: That did not work (session-corrupt).");
  assert.equal(running.counted.unfit, 1);
});

test("a reply waits as long as the platform asks for, and is given up after three tries", async (t) => {
  const clock = createVirtualClock({ sleepsPass: true });
  const running = routedChats({ store: await openTestStore(t, clock), clock });
  running.gateways.answer = () => ({ kind: "error", code: "rate_limited", detail: "slowly", retryAfterMs: 3_000 });
  await running.say("7", "/help", { id: "h" });
  assert.deepEqual(clock.slept, [3_000, 3_000]);
  assert.equal(running.gateways.asked.length, 3);
  assert.deepEqual(running.gateways.acks, ["h"]);
});

test("a stop waits neither for a gateway that does not answer nor for a file that does not come", async (t) => {
  const running = routedChats({
    store: await openTestStore(t),
    parts: (parts) => ({
      ...parts,
      describe: (event, place) =>
        event.content.type === "media" ? new Promise(() => {}) : parts.describe(event, place),
    }),
  });
  running.gateways.answer = () => new Promise(() => {});
  const media = { content: { type: "media" as const, media_type: "image" } };
  const going = [
    running.say("7", "/help", { chat: "one" }),
    running.say("7", "", { chat: "two", event: media }),
    running.press("7", "menu:1", { chat: "three" }),
  ];
  await until("both asks are there", () => running.gateways.asked.length === 2);
  await running.router.stop();
  await Promise.all(going);
  assert.deepEqual(running.gateways.acks, []);
});

test("a router that stops confirms nothing more, and waits for nothing that is tried again", async (t) => {
  const parts = sending(() => () => Promise.reject(new DuragentError("storage-full", "the disk is full")));
  const running = routedChats({ store: await openTestStore(t), parts });
  const said = running.say("7", "hello", { id: "1" });
  await until("it is tried", () => running.log.some(({ message }) => message.includes("tried again")));
  const waiting = running.say("7", "more", { id: "2" });
  await running.router.stop();
  await Promise.all([said, waiting, running.say("7", "late", { id: "3" })]);
  assert.deepEqual(running.gateways.acks, []);
});
