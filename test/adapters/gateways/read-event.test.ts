import assert from "node:assert/strict";
import { test } from "node:test";

import { readEvent } from "../../../src/adapters/gateways/read-event.ts";

const message = {
  type: "message_received",
  message_id: "m",
  chat_id: "c",
  sender: { id: "7" },
  content: { type: "text", text: "hi" },
  routing: { channel: "x", chat_type: "dm", chat_id: "c", sender_id: "7" },
};
const press = { type: "callback_query", callback_query_id: "p", chat_id: "c", sender: { id: "7" }, data: "d" };

const readAs = (event: object) => {
  const read = readEvent(JSON.stringify(event));
  return read.kind === "skipped" ? read.why : read.kind;
};

test("an id that a store would change is none, wherever it stands", () => {
  assert.deepEqual([readAs(message), readAs(press)], ["event", "event"]);
  for (const id of ["", "a\0b", "a\nb", "\u0085", "a\ud800", "\udc00a", "x".repeat(513)]) {
    const events = [
      { ...message, message_id: id },
      { ...message, chat_id: id },
      { ...message, sender: { id } },
      { ...message, routing: { ...message.routing, chat_id: id } },
      { ...message, reply_to: id },
      { ...press, callback_query_id: id },
      { ...press, chat_id: id },
      { ...press, sender: { id } },
    ];
    for (const event of events) assert.equal(readAs(event), "invalid", JSON.stringify(event));
  }
});

test("an id may be anything else", () => {
  for (const id of [
    "-100123",
    "!room:matrix.org",
    "../../etc/passwd",
    "__proto__",
    "a b",
    "\u{1f600}",
    "x".repeat(512),
  ])
    assert.equal(readAs({ ...message, chat_id: id, message_id: id, sender: { id } }), "event", id);
});
