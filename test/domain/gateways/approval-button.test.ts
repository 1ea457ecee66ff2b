import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";

import fc from "fast-check";

import { approvalButton, approvalTag, parseApprovalButton } from "../../../src/domain/gateways/approval-button.ts";
import { chatTypeOf } from "../../../src/domain/gateways/chat-type.ts";
import { messageKey, pressKey } from "../../../src/domain/gateways/message-key.ts";

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The first ten digits of RFC 4648 base32, by bytes. */
function base32(bytes: Buffer): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return Array.from(
    { length: 10 },
    (_, at) => "abcdefghijklmnopqrstuvwxyz234567"[Number.parseInt(bits.slice(at * 5, at * 5 + 5), 2)],
  ).join("");
}

test("a question's tag is the base32 of its id's SHA-256", () => {
  fc.assert(
    fc.property(fc.string(), (id) => {
      assert.equal(approvalTag(id, digest), base32(createHash("sha256").update(id).digest()));
    }),
  );
});

test("what a button carries is found again, and within the platforms' 64 bytes", () => {
  fc.assert(
    fc.property(fc.constantFrom("allow_once", "allow_always", "deny"), fc.string(), (choice, id) => {
      const written = approvalButton(choice, id, digest);
      assert.ok(Buffer.byteLength(written) <= 64);
      assert.deepEqual(parseApprovalButton(written), { choice, tag: approvalTag(id, digest) });
    }),
  );
});

test("older buttons name no question, and other buttons are none of ours", () => {
  assert.deepEqual(parseApprovalButton("approve:allow_always"), { choice: "allow_always" });
  for (const other of [
    "",
    "approve:",
    "approve:yes",
    "approve:deny:",
    "approve:deny:short",
    "approve:deny:ABCDEFGHIJ",
    "deny:abcdefghij",
    "approve:deny:abcdefghij:x",
    "approve:deny:abcdefghij\n",
    "menu:3",
  ]) {
    assert.equal(parseApprovalButton(other), undefined, JSON.stringify(other));
  }
});

test("a message's key tells gateway, chat and message apart, whatever they hold", () => {
  const key = messageKey({ gateway: "telegram", chatId: "-100", messageId: "7" }, digest);
  assert.equal(key, `chat:${digest('["telegram","-100","7"]').slice(0, 32)}`);
  assert.notEqual(
    messageKey({ gateway: "a", chatId: "b,c", messageId: "d" }, digest),
    messageKey({ gateway: "a", chatId: "b", messageId: "c,d" }, digest),
  );
  assert.notEqual(pressKey({ gateway: "telegram", chatId: "-100", callbackQueryId: "7" }, digest), key);
});

test("unknown kinds of chats are groups", () => {
  for (const dm of ["dm", "private", "DM", "Private"]) assert.equal(chatTypeOf(dm), "dm", dm);
  for (const group of ["group", "supergroup", "channel", "forum", "", "Group"])
    assert.equal(chatTypeOf(group), "group", group);
});
