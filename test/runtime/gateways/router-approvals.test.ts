import assert from "node:assert/strict";
import { test } from "node:test";

import { DuragentError } from "../../../src/schema/problem.ts";
import type { Tool } from "../../../src/ports/tool.ts";
import { eventually } from "../../support/runtime-harness.ts";
import { routedChats, type RoutedChats, type RoutedOptions } from "../../support/routed-chats.ts";
import { openTestStore } from "../../support/test-store.ts";

const touch: Tool = {
  definition: { name: "touch", description: "touch", parameters: { type: "object" } },
  effect: "unsafe",
  fault: () => null,
  describe: () => ({ type: "bash", text: "touch x" }),
  run: () => Promise.resolve({ success: true, content: "touched", outcome: "ok" }),
};
const call = { call_id: "c1", tool_name: "touch", arguments: { command: "touch x" } };
const group = { chat: "g", type: "group", mention: true };

/** Ann (7) has asked for something in a group, and a question waits. */
async function asking(
  t: Parameters<typeof openTestStore>[0],
  { prepare, ...options }: Partial<RoutedOptions> & { prepare?(running: RoutedChats): void } = {},
): Promise<RoutedChats> {
  const running = routedChats({
    store: await openTestStore(t),
    tools: [touch],
    policy: () => ({ policy: "ask", denial: null }),
    ...options,
  });
  prepare?.(running);
  running.model.reply({ calls: [call] });
  await running.say("7", "touch it", { id: "ask", ...group });
  await question(running);
  return running;
}

const sessionOf = (running: RoutedChats) => {
  const id = running.sessions.chats.open({ gateway: "test", chatId: "g" });
  assert.ok(id);
  return id;
};
const question = (running: RoutedChats) =>
  eventually(running, sessionOf(running), ({ type }) => type === "approval_required");
const decisions = async (running: RoutedChats): Promise<string[]> =>
  (await running.eventsIn("g")).flatMap((event) =>
    event.type === "approval_decision" ? [`${event.decision} by ${event.decided_by}`] : [],
  );
const presses = ({ gateways }: RoutedChats): string[] => gateways.said.filter((text) => text.startsWith("press: "));

test("who asked decides with a button, at once and once", async (t) => {
  const running = await asking(t);
  const button = await running.button("allow_once", "g");
  await running.press("7", button, { id: "p1", chat: "g" });
  await eventually(running, sessionOf(running), ({ type }) => type === "turn_end");
  await running.press("7", button, { id: "p1", chat: "g" });
  await running.press("7", button, { id: "p2", chat: "g" });
  assert.deepEqual(await decisions(running), ["allow_once by 7"]);
  assert.deepEqual(presses(running), ["press: Allowed once.", "press: Already decided.", "press: Already decided."]);
  assert.deepEqual(running.gateways.acks, ["ask", "p1", "p1", "p2"]);
});

test("each decision is answered in its words", async (t) => {
  const words = { deny: "press: Denied.", allow_always: "press: Always allowed: cli:touch x" } as const;
  for (const choice of ["deny", "allow_always"] as const) {
    const running = await asking(t);
    await running.press("7", await running.button(choice, "g"), { chat: "g" });
    assert.deepEqual(await decisions(running), [`${choice} by 7`]);
    assert.deepEqual(presses(running), [words[choice]]);
  }
});

test("what can not be kept for later is said", async (t) => {
  const running = await asking(t, {
    prepare({ parts }) {
      const { toolsOf } = parts;
      const allowAlways = () => Promise.reject(new DuragentError("conflict", "nothing of it may be kept"));
      parts.toolsOf = (agent) => ({ ...toolsOf(agent), allowAlways });
    },
  });
  await running.press("7", await running.button("allow_always", "g"), { chat: "g" });
  assert.deepEqual(presses(running), ["press: Allowed once: nothing of it may be kept"]);
});

test("another member decides only if the agent's approvers have the id", async (t) => {
  const running = await asking(t, { access: { approvers: ["9"] } });
  const button = await running.button("allow_once", "g");
  await running.press("8", button, { chat: "g" });
  assert.deepEqual(await decisions(running), []);
  assert.deepEqual(presses(running), ["press: Only name of 7, or an approver, may decide this."]);
  await running.press("9", button, { chat: "g" });
  assert.deepEqual(await decisions(running), ["allow_once by 9"]);
});

test("where an agent has no approvers, none are spoken of", async (t) => {
  const running = await asking(t);
  await running.press("8", await running.button("deny", "g"), { chat: "g" });
  assert.deepEqual(presses(running), ["press: Only name of 7 may decide this."]);
});

test("a button decides nothing but the question it was made for, in the chat it stands in", async (t) => {
  const running = await asking(t);
  const button = await running.button("allow_once", "g");
  await running.press("7", button, { chat: "elsewhere" });
  await running.press("7", button, { chat: "g", gateway: "other" });
  await running.press("7", "approve:allow_once:aaaaaaaaaa", { chat: "g" });
  await running.press("7", "menu:1", { chat: "g" });
  assert.deepEqual(await decisions(running), []);
  const stale = "press: This question no longer waits.";
  assert.deepEqual(presses(running), [stale, stale, stale, "press: "]);
  assert.deepEqual({ ...running.counted }, { taken: 1, stale: 3, other: 1 });
});

test("an older button without a question's name decides the one that waits, and when it comes again no other", async (t) => {
  const running = await asking(t);
  await running.press("7", "approve:deny", { id: "old", chat: "g" });
  await eventually(running, sessionOf(running), ({ type }) => type === "turn_end");
  running.model.reply({ calls: [{ ...call, call_id: "c2" }] });
  await running.say("7", "again", group);
  await eventually(
    running,
    sessionOf(running),
    (event) => event.type === "approval_required" && event.call_id === "c2",
  );
  await running.press("7", "approve:deny", { id: "old", chat: "g" });
  assert.deepEqual(await decisions(running), ["deny by 7"]);
  assert.deepEqual({ ...running.counted }, { taken: 2, decided: 1, repeated: 1 });
});

test("who is blocked decides nothing, and is told nothing", async (t) => {
  const access = { approvers: ["8"], groups: { sender_overrides: { 8: "block" as const } } };
  const running = await asking(t, { access });
  await running.press("8", await running.button("allow_once", "g"), { chat: "g" });
  assert.deepEqual(await decisions(running), []);
  assert.deepEqual(presses(running), ["press: "]);
});

test("where there are no buttons, who may decide answers in a word; with buttons that is a message", async (t) => {
  for (const [word, decision] of [
    ["Yes!", "allow_once"],
    ["always", "allow_always"],
    ["no.", "deny"],
  ] as const) {
    const running = await asking(t);
    running.gateways.capabilities = ["reply", "ack"];
    // Not to the bot, and not from who may decide.
    await running.say("7", word, { chat: "g", type: "group" });
    await running.say("8", word, group);
    assert.deepEqual(await decisions(running), []);
    await running.say("7", word, { ...group, id: "answer" });
    await running.say("7", word, { ...group, id: "answer" });
    assert.deepEqual(await decisions(running), [`${decision} by 7`]);
    assert.deepEqual({ ...running.counted }, { taken: 2, context: 1, answer: 1, repeated: 1 });
  }
  const running = await asking(t);
  await running.say("7", "yes", group);
  assert.deepEqual(await decisions(running), []);
  assert.deepEqual({ ...running.counted }, { taken: 2 });
});
