import assert from "node:assert/strict";
import { test } from "node:test";

import { eventually } from "../../support/runtime-harness.ts";
import { routedChats } from "../../support/routed-chats.ts";
import { openRestartableStore, openTestStore } from "../../support/test-store.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";

test("/reset ends the conversation, says so, and the next message starts another", async (t) => {
  const running = routedChats({ store: await openTestStore(t) });
  await running.say("7", "hello");
  const first = running.sessions.chats.open({ gateway: "test", chatId: "dm" });
  assert.ok(first);
  await running.say("7", "/Reset please", { id: "r" });
  await running.say("7", "hello again");
  const second = running.sessions.chats.open({ gateway: "test", chatId: "dm" });
  assert.ok(second && second !== first);
  assert.deepEqual(running.gateways.said, ["Started anew: your next message begins a new conversation."]);
  const asked = await eventually(running, first, (event) => event.type === "control_requested");
  assert.ok(asked.type === "control_requested" && asked.action === "end" && asked.by === "7");
  assert.match(asked.idempotency_key ?? "", /^chat:/);
  assert.equal((await eventually(running, first, (event) => event.type === "session_end")).type, "session_end");
});

test("a /reset that comes again, also after a restart, ends nothing that began after it", async (t) => {
  const disk = await openRestartableStore(t);
  const before = routedChats({ store: disk.store });
  await before.say("7", "hello", { id: "m" });
  await before.say("7", "/reset", { id: "r" });
  await before.say("7", "hello again", { id: "n" });
  const second = before.sessions.chats.open({ gateway: "test", chatId: "dm" });
  await disk.kill();
  // An index of its own: nothing is known but what the logs say.
  const after = routedChats({ store: await disk.reopen() });
  await after.sessions.start();
  for (const [id, text] of [
    ["r", "/reset"],
    ["m", "hello"],
    ["n", "hello again"],
  ] as const)
    await after.say("7", text, { id });
  assert.deepEqual({ ...after.counted }, { repeated: 3 });
  assert.deepEqual(after.gateways.acks, ["r", "m", "n"]);
  assert.equal(after.sessions.chats.open({ gateway: "test", chatId: "dm" }), second);
});

test("commands answer with what they say, as a reply in a group", async (t) => {
  const running = routedChats({ store: await openTestStore(t), others: ["second"], defaultAgent: "tester" });
  await running.say("7", "/status");
  await running.say("7", "hello");
  await eventually(
    running,
    running.sessions.chats.open({ gateway: "test", chatId: "dm" })!,
    ({ type }) => type === "turn_end",
  );
  await running.say("7", "/status");
  await running.say("7", "/cancel");
  await running.say("7", "/agents");
  await running.say("7", "/help", { id: "h", chat: "g", type: "group", mention: true });
  const [none, status, cancel, agents, help] = running.gateways.said;
  assert.equal(none, "Agent: tester\nNo conversation is open: your next message starts one.");
  assert.match(status ?? "", /^Agent: tester\nSession: session_\w+\nStatus: \w+, \w+\nUsed: 15 tokens$/m);
  assert.equal(cancel, "Nothing is going on that could be cancelled.");
  assert.equal(agents, "- tester (answers here)\n- second");
  assert.match(help ?? "", /\/reset – /);
  const reply = running.gateways.asked.at(-1)?.request;
  assert.ok(reply?.type === "send_message" && reply.reply_to === "h");
  assert.equal(reply.request_id, `chat:${running.parts.digest('["test","g","h"]').slice(0, 32)}.help`);
});

test("/cancel stops the turn that is going on, and the conversation stays", async (t) => {
  const running = routedChats({ store: await openTestStore(t) });
  running.model.reply({ text: ["so"], hold: new Promise(() => {}) });
  const holding = running.model.holding();
  await running.say("7", "think");
  await holding;
  await running.say("7", "/cancel");
  const id = running.sessions.chats.open({ gateway: "test", chatId: "dm" });
  assert.ok(id);
  const end = await eventually(running, id, ({ type }) => type === "turn_end");
  assert.equal(end.type === "turn_end" && end.outcome, "cancelled");
  assert.equal(running.gateways.said[0], "Cancelled.");
});

test("in a group a command counts only if it is said to the bot, and changes nothing for who is not to be answered", async (t) => {
  const access = { groups: { sender_overrides: { b: "block", p: "passive", s: "silent" } as const } };
  const running = routedChats({ store: await openTestStore(t), access });
  const group = { chat: "g", type: "group" };
  await running.say("7", "hello", { ...group, mention: true });
  const id = running.sessions.chats.open({ gateway: "test", chatId: "g" });
  await running.say("7", "/reset", group);
  for (const sender of ["b", "p", "s"])
    for (const command of ["/reset", "/cancel"]) await running.say(sender, command, { ...group, mention: true });
  await running.say("7", "/reset@other_bot", { ...group, event: { reply_to_bot: true } });
  assert.deepEqual(running.gateways.said, []);
  assert.equal(running.sessions.chats.open({ gateway: "test", chatId: "g" }), id);
  assert.deepEqual({ ...running.counted }, { taken: 2, context: 1, refused: 2, passive: 2, silent: 2 });
  await running.say("7", "/reset@this_bot", { ...group, mention: true });
  assert.equal(running.sessions.chats.open({ gateway: "test", chatId: "g" }), undefined);
});

test("a command whose gateway is gone before it is answered is not confirmed, and answered when it comes again", async (t) => {
  const running = routedChats({ store: await openTestStore(t) });
  running.gateways.answer = () => ({ kind: "unanswered", why: "ended", detail: "it ended" });
  await running.say("7", "/help", { id: "h" });
  assert.deepEqual(running.gateways.acks, []);
  running.gateways.answer = () => undefined;
  await running.say("7", "/help", { id: "h" });
  await running.say("7", "/help", { id: "h" });
  assert.deepEqual(running.gateways.acks, ["h", "h"]);
  assert.deepEqual({ ...running.counted }, { unsaid: 1, command: 1, repeated: 1 });
  assert.deepEqual(
    new Set(running.gateways.asked.map(({ request }) => "request_id" in request && request.request_id)).size,
    1,
  );
});

test("a flood of commands is answered ten times a minute in its chat, and what comes after it is taken in", async (t) => {
  const clock = createVirtualClock();
  const running = routedChats({ store: await openTestStore(t, clock), clock });
  const group = { chat: "g", type: "group", mention: true };
  for (let count = 0; count < 30; count += 1) await running.say("6", count % 2 ? "/status" : "/help", group);
  assert.equal(running.gateways.said.length, 10);
  assert.deepEqual({ ...running.counted }, { command: 10, rate_limited: 20 });
  assert.equal(running.gateways.acks.length, 30);
  await running.say("7", "hello", group);
  await running.say("7", "/help");
  assert.equal(running.gateways.said.length, 11);
  // Ending and cancelling work all the same, without a word.
  await running.say("7", "/reset", group);
  assert.equal(running.sessions.chats.open({ gateway: "test", chatId: "g" }), undefined);
  assert.equal(running.gateways.said.length, 11);
  clock.advance(60_000);
  await running.say("7", "/help", group);
  assert.equal(running.gateways.said.length, 12);
});
