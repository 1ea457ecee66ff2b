import assert from "node:assert/strict";
import { test } from "node:test";

import type { SessionEvent } from "../../../src/schema/session-event.ts";
import { eventually } from "../../support/runtime-harness.ts";
import { messageOf, routedChats, type RoutedChats } from "../../support/routed-chats.ts";
import { openTestStore } from "../../support/test-store.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

const texts = (events: readonly SessionEvent[]): string[] =>
  events.flatMap((event) => (event.type === "user_message" || event.type === "silent_message" ? [event.content] : []));

const answered = async (running: RoutedChats, chat = "dm"): Promise<void> => {
  const id = running.sessions.chats.open({ gateway: "test", chatId: chat });
  assert.ok(id);
  await eventually(running, id, (event) => event.type === "turn_end");
};

test("a direct message is in its chat's session, answered, and confirmed", async (t) => {
  const running = routedChats({ store: await openTestStore(t) });
  await running.say("7", "hello", {
    id: "m1",
    event: { routing: { channel: "test", chat_type: "private", chat_id: "dm", sender_id: "7", thread_id: "t9" } },
  });
  assert.deepEqual(running.gateways.acks, ["m1"]);
  await answered(running);
  const [start, ...events] = await running.eventsIn();
  assert.equal(start?.type === "session_start" && start.gateway_chat_type, "dm");
  const [message] = events.filter((event) => event.type === "user_message");
  assert.deepEqual(
    { ...message, seq: 0, timestamp: "", message_id: "", idempotency_key: "" },
    {
      seq: 0,
      timestamp: "",
      type: "user_message",
      message_id: "",
      content: "hello",
      sender_id: "7",
      sender_name: "name of 7",
      source: "gateway:test",
      delivery: "steer",
      gateway_message_id: "m1",
      thread_id: "t9",
      idempotency_key: "",
    },
  );
  assert.equal(message?.idempotency_key, `chat:${running.parts.digest('["test","dm","m1"]').slice(0, 32)}`);
});

test("the same message a hundred times is one event, confirmed each time", async (t) => {
  const running = routedChats({ store: await openTestStore(t) });
  const one = { id: "same" };
  await Promise.all(Array.from({ length: 100 }, () => running.say("7", "hello", one)));
  assert.deepEqual(texts(await running.eventsIn()), ["hello"]);
  assert.equal(running.gateways.acks.length, 100);
  assert.deepEqual({ ...running.counted }, { taken: 1, repeated: 99 });
});

test("a message comes before what is said after it, in every chat by itself", async (t) => {
  const running = routedChats({
    store: await openTestStore(t),
    parts: (parts) => ({
      ...parts,
      // The first takes longest to be described.
      describe: async (event, place) => {
        for (let turns = Number(event.message_id); turns < 20; turns += 1) await new Promise(setImmediate);
        return parts.describe(event, place);
      },
    }),
  });
  const numbers = Array.from({ length: 20 }, (_, at) => String(at));
  await Promise.all(
    numbers.flatMap((id) => [running.say("7", id, { id, chat: "one" }), running.say("8", id, { id, chat: "two" })]),
  );
  assert.deepEqual(texts(await running.eventsIn("one")), numbers);
  assert.deepEqual(texts(await running.eventsIn("two")), numbers);
});

test("in a group the agent answers who means it; what others say is there when it does", async (t) => {
  const running = routedChats({ store: await openTestStore(t) });
  await running.say("7", "lunch?", { chat: "g", type: "supergroup" });
  await running.say("8", "what is for lunch", { chat: "g", type: "group", mention: true, id: "q" });
  await answered(running, "g");
  await running.say("8", "thanks", { chat: "g", type: "group", event: { reply_to_bot: true } });
  const events = await running.eventsIn("g");
  const [aside, question, thanks] = events.filter(
    (event) => event.type === "silent_message" || event.type === "user_message",
  );
  assert.ok(aside?.type === "silent_message" && aside.context === true && aside.disposition === "silent");
  assert.equal(aside.content, "lunch?");
  assert.ok(question?.type === "user_message" && question.content === "name of 8: what is for lunch");
  assert.equal(question.gateway_message_id, "q");
  assert.equal(thanks?.type, "user_message");
  assert.deepEqual({ ...running.counted }, { context: 1, taken: 2 });
});

test("what becomes of a group's members' messages is as the agent's access says", async (t) => {
  const access = {
    approvers: ["boss"],
    groups: {
      activation: "always" as const,
      sender_overrides: { p: "passive" as const, s: "silent" as const, b: "block" as const },
      queue: { mode: "sequential" as const, debounce: { enabled: true, window_ms: 400 } },
    },
  };
  const clock = createVirtualClock();
  const running = routedChats({ store: await openTestStore(t, clock), clock, access });
  for (const sender of ["p", "s", "b", "boss"])
    await running.say(sender, "hi", { id: `of ${sender}`, chat: "g", type: "group" });
  const events = await running.eventsIn("g");
  const silent = events.flatMap((event) =>
    event.type === "silent_message" ? [`${event.content} ${event.disposition} ${event.context}`] : [],
  );
  assert.deepEqual(silent, ["hi passive undefined", "hi silent undefined"]);
  const [message] = events.filter((event) => event.type === "user_message");
  assert.equal(message?.delivery, "queue");
  assert.equal(message?.may_decide, true);
  assert.equal(Date.parse(message?.not_before ?? "") - Date.parse(message?.timestamp ?? ""), 400);
  assert.deepEqual({ ...running.counted }, { passive: 1, silent: 1, refused: 1, taken: 1 });
  // Also what was dropped is confirmed, and known when it comes again.
  assert.deepEqual(running.gateways.acks, ["of p", "of s", "of b", "of boss"]);
  await running.say("b", "hi", { id: "of b", chat: "g", type: "group" });
  assert.equal(running.counted.repeated, 1);
  assert.deepEqual(running.gateways.said, []);
});

test("a chat that nobody answers is told so once, and stands in the log once", async (t) => {
  const running = routedChats({ store: await openTestStore(t), others: ["second"] });
  await running.say("7", "hello");
  await running.say("7", "hello?");
  await running.say("7", "not for the bot", { chat: "g", type: "group" });
  await running.say("7", "for the bot", { chat: "g", type: "group", mention: true });
  await running.router.stop();
  assert.deepEqual(running.gateways.said, ["No agent is set up for this chat.", "No agent is set up for this chat."]);
  assert.equal(running.log.filter(({ message }) => message.startsWith("no agent answers this chat")).length, 2);
  assert.deepEqual({ ...running.counted }, { no_route: 4 });
  assert.equal(running.gateways.acks.length, 4);
  assert.deepEqual(await running.eventsIn(), []);
});

test("who is not let in stands in the log once an hour, with the ids for a list and without what was said", async (t) => {
  const clock = createVirtualClock();
  const access = {
    dm: { policy: "allowlist" as const },
    groups: { policy: "allowlist" as const, allowlist: ["test:g"], sender_overrides: { b: "block" as const } },
  };
  const running = routedChats({ store: await openTestStore(t, clock), clock, access });
  const lines = () =>
    running.log
      .filter(({ message }) => message.startsWith("a message was refused"))
      .map(({ level, message }) => `${level}: ${message}`);
  await running.say("7", "my secret");
  await running.say("7", "my secret, again");
  await running.say("8", "my secret");
  await running.say("b", "my secret", { chat: "g", type: "group", mention: true });
  await running.say("7", "my secret", { chat: "g2", type: "group", mention: true });
  const line = (why: string, chat_type: string, chat_id: string, sender_id: string) => {
    const ids = { gateway: "test", channel: "test", chat_type, chat_id, sender_id, agent: "tester" };
    return `info: a message was refused: access.${why} ${JSON.stringify(ids)}`;
  };
  const first = line("dm of the agent does not let this sender write", "dm", "dm", "7");
  assert.deepEqual(lines(), [
    first,
    line("dm of the agent does not let this sender write", "dm", "dm", "8"),
    line("groups of the agent blocks this sender", "group", "g", "b"),
    line("groups of the agent does not have this chat", "group", "g2", "7"),
  ]);
  assert.ok(!running.log.some(({ message }) => message.includes("my secret")));
  clock.advance(3_600_000);
  await running.say("7", "my secret");
  assert.equal(lines().length, 5);
  assert.equal(lines().at(-1), first);
});

test("a route to an agent that is not there answers nothing, and no other agent does", async (t) => {
  const routes = [{ match: { chat_id: "dm" }, agent: "gone" }];
  const running = routedChats({ store: await openTestStore(t), routes, defaultAgent: "tester" });
  await running.say("7", "hello");
  await running.say("7", "hello", { chat: "other" });
  assert.deepEqual({ ...running.counted }, { no_agent: 1, taken: 1 });
  assert.deepEqual(running.gateways.said, []);
  assert.deepEqual(await running.eventsIn(), []);
});

test("a text without text is no message; a picture without one is", async (t) => {
  const running = routedChats({ store: await openTestStore(t) });
  await running.say("7", " \n");
  await running.say("7", "", { event: { content: { type: "media", media_type: "image" } } });
  assert.deepEqual({ ...running.counted }, { empty: 1, taken: 1 });
  assert.deepEqual(texts(await running.eventsIn()), ["[media]"]);
});

test("who sends too much is told at most once a minute, and what was too much stays out", async (t) => {
  const running = routedChats({ store: await openTestStore(t), limits: { inbound: { per_sender_per_minute: 2 } } });
  for (const id of ["1", "2", "3", "4"]) await running.say("7", id, { id });
  await running.router.stop();
  assert.deepEqual(texts(await running.eventsIn()), ["1", "2"]);
  assert.deepEqual({ ...running.counted }, { taken: 2, rate_limited: 2 });
  assert.equal(running.gateways.said.length, 1);
  const notice = running.gateways.asked.find(({ request }) => request.request_id.startsWith("chat:"));
  assert.equal(notice?.request.type === "send_message" && notice.request.reply_to, "3");
  assert.equal(running.gateways.acks.length, 4);
});

test("a gateway that knows no ack gets none", async (t) => {
  const running = routedChats({ store: await openTestStore(t) });
  running.gateways.capabilities = [];
  await running.say("7", "hello");
  assert.deepEqual(running.gateways.told, []);
  assert.deepEqual(texts(await running.eventsIn()), ["hello"]);
});

test("two gateways' chats of one id are two chats", async (t) => {
  const running = routedChats({ store: await openTestStore(t) });
  for (const gateway of ["one", "two"]) await running.router.received(gateway, messageOf("7", gateway, { id: "m1" }));
  assert.deepEqual({ ...running.counted }, { taken: 2 });
  const ids = ["one", "two"].map((gateway) => running.sessions.chats.open({ gateway, chatId: "dm" }));
  assert.notEqual(ids[0], ids[1]);
});
