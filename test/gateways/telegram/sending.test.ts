import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { until } from "../../support/until.ts";
import { drive } from "./driven-telegram.ts";

const long = Array.from({ length: 900 }, (_, index) => `word${index}`).join(" ");
const keyboard = { rows: [[{ text: "Yes", callback_data: "approve:allow_once:abc" }]] };

describe("what the Telegram gateway sends", () => {
  it("is formatted, answers the first part and has its buttons on the last", async (t) => {
    const { platform: api, program } = await drive(t);
    const chat = api.world.dm("42");
    const asked = api.world.said(chat, "42", { text: "hi" });
    program.send({
      type: "send_message",
      request_id: "r1",
      chat_id: "42",
      content: `**bold** ${long}`,
      reply_to: String(asked.id),
      inline_keyboard: keyboard,
    });
    const { message_id } = await program.heard("command_ok", { request_id: "r1" });
    const sent = chat.messages.filter(({ isBots }) => isBots);
    assert.equal(sent.length, 2);
    assert.equal(sent.map(({ text }) => text).join(" "), `bold ${long}`);
    assert.match(sent[0]?.raw ?? "", /^<b>bold<\/b> word0/);
    assert.deepEqual(
      sent.map(({ replyTo, keyboard: rows }) => [replyTo, rows.length]),
      [
        [asked.id, 0],
        [undefined, 1],
      ],
    );
    assert.equal(message_id, String(sent[1]?.id));
    assert.deepEqual(api.violations, []);
  });

  it("is plain text where Telegram can not read the formatting", async (t) => {
    const { platform: api, program } = await drive(t);
    const chat = api.world.dm("42");
    api.unreadable = /<b>/;
    program.send({ type: "send_message", request_id: "r1", chat_id: "42", content: "**a** [b](https://c.d)" });
    await program.heard("command_ok", { request_id: "r1" });
    assert.equal(chat.messages[0]?.text, "a b (https://c.d)");
  });

  it("goes on with the next part after a kill between two", async (t) => {
    const driven = await drive(t);
    const { platform: api } = driven;
    const chat = api.world.dm("42");
    const content = `${long}\n\n${long}`;
    const command = { type: "send_message", request_id: "r1", chat_id: "42", content };
    const second = Promise.withResolvers<void>();
    api.beforeCall = async (method) => {
      if (method !== "sendMessage" || chat.messages.length < 1) return;
      second.resolve();
      await new Promise(() => undefined);
    };
    driven.program.send(command);
    await second.promise;
    const next = driven.again();
    api.beforeCall = () => undefined;
    const program = await next;
    program.send(command);
    await program.heard("command_ok", { request_id: "r1" });
    program.send(command);
    await until("the same is answered again", () => program.of("command_ok").length === 2);
    assert.equal(chat.messages.map(({ text }) => text).join(" "), content.replaceAll("\n\n", " "));
  });

  it("is edited, deleted and announced", async (t) => {
    const { platform: api, program } = await drive(t);
    const chat = api.world.dm("42");
    program.send({ type: "send_typing", chat_id: "42", duration: 5 });
    await until("it types", () => chat.typings === 1);
    program.send({ type: "send_message", request_id: "r1", chat_id: "42", content: "ask", inline_keyboard: keyboard });
    const { message_id } = await program.heard("command_ok", { request_id: "r1" });
    const edit = { type: "edit_message", chat_id: "42", message_id, content: "*done*" };
    program.send({ ...edit, request_id: "r2" });
    await program.heard("command_ok", { request_id: "r2" });
    assert.equal(chat.messages[0]?.raw, "<i>done</i>");
    assert.deepEqual(chat.messages[0]?.keyboard, []);
    program.send({ ...edit, request_id: "r3" });
    await program.heard("command_ok", { request_id: "r3" });
    program.send({ type: "delete_message", request_id: "r4", chat_id: "42", message_id });
    await program.heard("command_ok", { request_id: "r4" });
    assert.deepEqual(chat.messages, []);
    assert.deepEqual(api.violations, []);
  });

  it("is a file by address or upload, with what the caption has no room for behind it", async (t) => {
    const { platform: api, program } = await drive(t);
    const chat = api.world.dm("42");
    const media = { source: "url", url: "https://a.b/c.png", mime_type: "image/png" };
    program.send({ type: "send_media", request_id: "r1", chat_id: "42", media, caption: "**c**" });
    const { message_id } = await program.heard("command_ok", { request_id: "r1" });
    assert.equal(message_id, String(chat.messages[0]?.id));
    const upload = { source: "base64", data: "aGVsbG8=", mime_type: "text/plain", filename: "h.txt" };
    program.send({ type: "send_media", request_id: "r2", chat_id: "42", media: upload, caption: long.slice(0, 2_000) });
    await program.heard("command_ok", { request_id: "r2" });
    assert.deepEqual(
      chat.messages.map(({ text }) => text.slice(0, 40)),
      ["c\n[file https://a.b/c.png]", "[file h.txt (5 bytes)]", long.slice(0, 40)],
    );
    assert.deepEqual(
      api.calls.map(({ method }) => method),
      ["sendPhoto", "sendDocument", "sendMessage"],
    );
    assert.deepEqual(api.violations, []);
  });

  it("lets Telegram fetch no page for a preview", async (t) => {
    const { platform: api, program } = await drive(t);
    api.world.dm("42");
    program.send({ type: "send_message", request_id: "r1", chat_id: "42", content: "https://a.b/?secret" });
    const { message_id } = await program.heard("command_ok", { request_id: "r1" });
    program.send({ type: "edit_message", request_id: "r2", chat_id: "42", message_id, content: "https://a.b/?more" });
    await program.heard("command_ok", { request_id: "r2" });
    assert.deepEqual(
      api.calls.map(({ method, given }) => [method, given.link_preview_options]),
      [
        ["sendMessage", { is_disabled: true }],
        ["editMessageText", { is_disabled: true }],
      ],
    );
  });

  it("is the address of a file that Telegram does not fetch", async (t) => {
    const { platform: api, program } = await drive(t);
    const chat = api.world.dm("42");
    const asked = api.world.said(chat, "42", { text: "the table?" });
    const media = { source: "url", url: "https://a.b/t_a_b.csv?x=1&y=2" };
    const command = { type: "send_media", chat_id: "42", media, reply_to: String(asked.id) };
    program.send({ ...command, request_id: "r1", caption: "**here**" });
    await program.heard("command_ok", { request_id: "r1" });
    program.send({ ...command, request_id: "r2", caption: long.slice(0, 2_000) });
    await program.heard("command_ok", { request_id: "r2" });
    assert.deepEqual(
      chat.messages.filter(({ isBots }) => isBots).map(({ text, replyTo }) => [text, replyTo]),
      [
        [`here\n\n${media.url}`, asked.id],
        [media.url, asked.id],
        [long.slice(0, 2_000), undefined],
      ],
    );
    assert.deepEqual(api.violations, []);
  });

  it("stays in its topic, and goes to the chat where that was deleted", async (t) => {
    const { platform: api, program } = await drive(t);
    const chat = api.world.group("g", ["42"]);
    chat.topics.add(7);
    for (const [id, thread_id] of [
      ["r1", "7"],
      ["r2", "8"],
    ]) {
      program.send({ type: "send_message", request_id: id, chat_id: String(chat.id), content: "a", thread_id });
      await program.heard("command_ok", { request_id: id });
    }
    assert.deepEqual(
      chat.messages.map(({ threadId }) => threadId),
      [7, undefined],
    );
  });

  it("follows a group that has got a new id", async (t) => {
    const { platform: api, program } = await drive(t);
    const [old, moved] = [api.world.group("g", ["42"]), api.world.group("g", ["42"])];
    old.migratedTo = moved.id;
    for (const id of ["r1", "r2"]) {
      program.send({ type: "send_message", request_id: id, chat_id: String(old.id), content: id });
      await program.heard("command_ok", { request_id: id });
    }
    assert.deepEqual(
      moved.messages.map(({ text }) => text),
      ["r1", "r2"],
    );
    assert.equal(api.calls.filter(({ status }) => status === 400).length, 1);
  });

  it("says what went wrong in the core's words", async (t) => {
    const { platform: api, program } = await drive(t);
    const { world } = api;
    const closed = world.dm("43");
    closed.isClosed = true;
    world.dm("42");
    const send = async (id: string, fields: object): Promise<readonly [string, number | undefined]> => {
      program.send({ type: "send_message", request_id: id, chat_id: "42", content: "a", ...fields });
      const { code, retry_after } = await program.heard("command_error", { request_id: id });
      return [code, retry_after];
    };
    assert.deepEqual(await send("r1", { chat_id: "99" }), ["chat_not_found", undefined]);
    assert.deepEqual(await send("r2", { chat_id: "43" }), ["chat_not_found", undefined]);
    assert.deepEqual(await send("r3", { content: " \n " }), ["invalid_request", undefined]);
    assert.deepEqual(await send("r4", { reply_to: "x" }), ["invalid_request", undefined]);
    const wide = { rows: [[{ text: "b", callback_data: "é".repeat(40) }]] };
    assert.deepEqual(await send("r5", { inline_keyboard: wide }), ["invalid_request", undefined]);
    api.tricks.push({ kind: "limit", retryAfterSeconds: 7 });
    assert.deepEqual(await send("r6", {}), ["rate_limited", 7]);
    api.tricks.push({ kind: "cut" });
    assert.deepEqual(await send("r7", {}), ["not_connected", undefined]);
    for (const [id, status, code] of [
      ["r9", 502, "not_connected"],
      ["r10", 500, "platform_error"],
    ] as const) {
      api.tricks.push({ kind: "fail", status, description: "Bad Gateway" });
      assert.deepEqual(await send(id, {}), [code, undefined]);
    }
    program.send({ type: "edit_message", request_id: "r8", chat_id: "42", message_id: "77", content: "a" });
    assert.equal((await program.heard("command_error", { request_id: "r8" })).code, "message_not_found");
    assert.deepEqual(api.violations, []);
  });

  it("answers a message that is gone by saying it all the same", async (t) => {
    const { platform: api, program } = await drive(t);
    const chat = api.world.dm("42");
    program.send({ type: "send_message", request_id: "r1", chat_id: "42", content: "a", reply_to: "555" });
    await program.heard("command_ok", { request_id: "r1" });
    assert.equal(chat.messages[0]?.replyTo, undefined);
  });
});
