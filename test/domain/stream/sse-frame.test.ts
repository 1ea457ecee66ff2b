import assert from "node:assert/strict";
import { test } from "node:test";

import { asciiJson, encodeComment, encodeFrame, encodeRetry } from "../../../src/domain/stream/sse-frame.ts";

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

test("a frame has its id, its name and its data, each on a line, and ends with an empty line", () => {
  assert.equal(
    text(encodeFrame({ id: "7", event: "user_message", data: '{"a":1}' })),
    'id: 7\nevent: user_message\ndata: {"a":1}\n\n',
  );
});

test("a frame without an id says nothing of ids", () => {
  assert.equal(text(encodeFrame({ event: "ready", data: "{}" })), "event: ready\ndata: {}\n\n");
});

test("line breaks in the data can not end a frame or add a field to it", () => {
  assert.equal(
    text(encodeFrame({ event: "x", data: "a\nid: 9\r\n\rb" })),
    "event: x\ndata: a\ndata: id: 9\ndata: \ndata: b\n\n",
  );
});

test("comments and the retry time are blocks of their own", () => {
  assert.equal(text(encodeComment("keep-alive")), ": keep-alive\n\n");
  assert.equal(text(encodeRetry(1000)), "retry: 1000\n\n");
});

test("ASCII-safe JSON has only ASCII in it and reads back the same", () => {
  const value = { content: "héllo ☃ 😀 \ud800 \u2028 \u007f" };
  const json = asciiJson(value);
  assert.ok(Buffer.from(json).length === json.length);
  assert.deepEqual(JSON.parse(json), value);
});
