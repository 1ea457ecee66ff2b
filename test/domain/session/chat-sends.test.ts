import assert from "node:assert/strict";
import { test } from "node:test";

import type { EventDraft } from "../../../src/schema/session-event.ts";
import { events as e, given } from "../../support/given-when-then.ts";

const begun = (chatType: "dm" | "group"): EventDraft[] => [
  e.start({ gateway: "tg", gateway_chat_id: "7", gateway_chat_type: chatType }),
  e.message(1, { source: "gateway:tg", gateway_message_id: "p1", thread_id: "t1" }),
  e.turn(1, [1]),
];
const failed = (message: string, retryable = false): EventDraft =>
  e.turnEnd("failed", { error: { code: "provider-error", message, retryable } });

/** What waits to be said: its text, what it refers to, and its thread. */
const unsent = (...log: EventDraft[]) =>
  given(...log).state.unsent.map(({ content, replyTo, threadId }) => [content, replyTo, threadId]);

test("in a group the first text of a turn refers to the message, all go to its thread", () => {
  const log = [e.response(3, { content: "one" }), e.response(4, { content: "two" })];
  assert.deepEqual(unsent(...begun("group"), ...log), [
    ["one", "p1", "t1"],
    ["two", undefined, "t1"],
  ]);
  assert.deepEqual(unsent(...begun("dm"), ...log), [
    ["one", undefined, "t1"],
    ["two", undefined, "t1"],
  ]);
});

test("a response without text does not count as the first, and the next turn begins anew", () => {
  const log = [...begun("group"), e.response(3, { content: " " }), e.response(4, { content: "one" }), e.turnEnd()];
  assert.deepEqual(unsent(...log), [["one", "p1", "t1"]]);
  const next = [e.message(2, { source: "gateway:tg", gateway_message_id: "p2" }), e.turn(2, [2])];
  assert.deepEqual(unsent(...log, ...next, e.response(8, { content: "two" })).at(-1), ["two", "p2", undefined]);
});

test("a chat of which no type is known is taken for a group", () => {
  assert.equal(given(e.start({ gateway: "tg", gateway_chat_id: "7" })).state.gateway?.chatType, "group");
});

test("a turn that failed tells the chat why, in a sentence", () => {
  assert.deepEqual(unsent(...begun("group"), failed("the provider answered 401:\n no key")), [
    ["Sorry, I could not finish this: the provider answered 401: no key.", "p1", "t1"],
  ]);
  const [[text] = []] = unsent(...begun("dm"), failed(`${"😀".repeat(600)}`, true));
  assert.match(text ?? "", /^Sorry, I could not finish this: (?:😀){500}… Please try again in a moment\.$/u);
  assert.deepEqual(unsent(...begun("dm"), e.turnEnd("failed")), [
    ["Sorry, I could not finish this: something went wrong.", undefined, "t1"],
  ]);
});

test("a notice stands for itself, and a session of no chat says nothing", () => {
  assert.deepEqual(unsent(...begun("dm"), e.turnEnd("limit_reached", { notice: "Stopped." })), [
    ["Stopped.", undefined, "t1"],
  ]);
  assert.deepEqual(unsent(e.start(), e.message(1), e.turn(1, [1]), failed("no")), []);
});

test("a cancelled turn says nothing more, also not the part that was already there", () => {
  const cut = e.response(3, { content: "I was abo", stop_reason: "cancelled" });
  assert.deepEqual(unsent(...begun("group"), e.control("cancel"), cut, e.turnEnd("cancelled")), []);
});
