import assert from "node:assert/strict";
import { describe, it } from "node:test";

import type { Json } from "../../support/platforms/telegram/world.ts";
import { drive } from "./driven-telegram.ts";

const file = { file_id: "F1", file_unique_id: "u", file_size: 1_000 };

describe("what the Telegram gateway hears", () => {
  it("is each kind of message, with who said it and where", async (t) => {
    const { platform: api, program } = await drive(t);
    const { world } = api;
    const chat = world.dm("42");
    const url = `${api.url}/file/bot${world.bot.token}/files/F1`;
    const kinds: readonly (readonly [Json, object])[] = [
      [{ text: "hello" }, { type: "text", text: "hello" }],
      [
        {
          photo: [
            { ...file, width: 90, height: 90, file_id: "small" },
            { ...file, width: 900, height: 900 },
          ],
          caption: "look",
        },
        { type: "media", media_type: "image", mime_type: "image/jpeg", size: 1_000, url, caption: "look" },
      ],
      [
        { document: { ...file, file_name: "a.pdf", mime_type: "application/pdf" } },
        { type: "media", media_type: "document", mime_type: "application/pdf", filename: "a.pdf", size: 1_000, url },
      ],
      [
        { voice: { ...file, duration: 1, mime_type: "audio/ogg" } },
        { type: "media", media_type: "voice", mime_type: "audio/ogg", size: 1_000, url },
      ],
      [
        { video: { ...file, duration: 1, width: 1, height: 1 } },
        { type: "media", media_type: "video", mime_type: "video/mp4", size: 1_000, url },
      ],
      [
        { document: { ...file, file_size: 30_000_000, file_name: "b.iso" }, caption: "big" },
        {
          type: "media",
          media_type: "document",
          filename: "b.iso",
          size: 30_000_000,
          caption: "big\n[b.iso: too large to be fetched; bots get files of up to 20 MB from Telegram]",
        },
      ],
      [{ location: { latitude: 1.5, longitude: 2.5 } }, { type: "location", latitude: 1.5, longitude: 2.5 }],
      [
        { contact: { first_name: "Ada", last_name: "L", phone_number: "+1" } },
        { type: "contact", name: "Ada L", phone: "+1" },
      ],
      [{ dice: { emoji: "🎲", value: 3 } }, { type: "unknown", raw: { kind: "dice", emoji: "🎲", value: 3 } }],
    ];
    for (const [fields, content] of kinds) {
      const { id } = world.said(chat, "42", fields);
      const heard = await program.heard("message_received", { message_id: String(id) });
      assert.deepEqual(heard.content, content);
      assert.deepEqual(heard.sender, { id: "42", username: "person_42", display_name: "Person 42" });
      assert.deepEqual(heard.routing, { channel: "telegram", chat_type: "dm", chat_id: "42", sender_id: "42" });
      program.send({ type: "ack", chat_id: "42", message_id: String(id) });
    }
  });

  it("is whether the bot is addressed, in text and captions, by name, command and answer", async (t) => {
    const { platform: api, program } = await drive(t);
    const { world } = api;
    const chat = world.group("g", ["42"]);
    const own = world.store(chat, { isBots: true, text: "x", raw: "x", entities: [], keyboard: [] });
    const answered = (id: number): Json => ({ message_id: own.id, date: 1, text: "x", from: { id, is_bot: true } });
    const name = "@DurAgent_test_bot";
    const cases: readonly (readonly [Json, { mentions_bot: boolean; reply_to_bot: boolean; text?: string }])[] = [
      [{ text: "nobody" }, { mentions_bot: false, reply_to_bot: false, text: "nobody" }],
      [
        { text: `${name}, hi`, entities: [{ type: "mention", offset: 0, length: 18 }] },
        { mentions_bot: true, reply_to_bot: false, text: "hi" },
      ],
      [
        { text: `hi ${name}`, entities: [{ type: "mention", offset: 3, length: 18 }] },
        { mentions_bot: true, reply_to_bot: false, text: `hi ${name}` },
      ],
      [
        { text: "/reset@duragent_test_bot", entities: [{ type: "bot_command", offset: 0, length: 24 }] },
        { mentions_bot: true, reply_to_bot: false, text: "/reset@duragent_test_bot" },
      ],
      [
        { text: "@other hi", entities: [{ type: "mention", offset: 0, length: 6 }] },
        { mentions_bot: false, reply_to_bot: false, text: "@other hi" },
      ],
      [
        {
          text: "Bot hi",
          entities: [{ type: "text_mention", offset: 0, length: 3, user: { id: world.bot.id, is_bot: true } }],
        },
        { mentions_bot: true, reply_to_bot: false, text: "hi" },
      ],
      [
        {
          photo: [{ ...file, width: 1, height: 1 }],
          caption: name,
          caption_entities: [{ type: "mention", offset: 0, length: 18 }],
        },
        { mentions_bot: true, reply_to_bot: false },
      ],
      [
        { text: "yes", reply_to_message: answered(world.bot.id) },
        { mentions_bot: false, reply_to_bot: true, text: "yes" },
      ],
      [
        { text: "no", reply_to_message: answered(5) },
        { mentions_bot: false, reply_to_bot: false, text: "no" },
      ],
    ];
    for (const [fields, expected] of cases) {
      const { id } = world.said(chat, "42", fields);
      const heard = await program.heard("message_received", { message_id: String(id) });
      const { mentions_bot, reply_to_bot, content } = heard;
      const text = content.type === "text" ? { text: content.text } : {};
      assert.deepEqual({ mentions_bot, reply_to_bot, ...text }, expected);
      program.send({ type: "ack", chat_id: String(chat.id), message_id: String(id) });
    }
  });

  it("is the topic, and the chat for which an administrator speaks", async (t) => {
    const { platform: api, program } = await drive(t);
    const chat = api.world.group("g", ["42"]);
    const { id } = api.world.said(chat, "42", {
      text: "a",
      is_topic_message: true,
      message_thread_id: 7,
      reply_to_message: { message_id: 7, date: 1, forum_topic_created: { name: "t", icon_color: 1 } },
      from: { id: 1_087_968_824, is_bot: true, first_name: "Group" },
      sender_chat: { id: chat.id, type: "supergroup", title: "g" },
    });
    const heard = await program.heard("message_received", { message_id: String(id) });
    assert.deepEqual(heard.sender, { id: String(chat.id), display_name: "g" });
    assert.equal(heard.routing.thread_id, "7");
    assert.equal(heard.routing.chat_type, "group");
    assert.equal(heard.reply_to, undefined);
  });

  it("is what a channel says, as the channel", async (t) => {
    const { platform: api, program } = await drive(t);
    const channel = { id: -1_009, type: "channel", title: "News" };
    api.world.update("channel_post", {
      message_id: 5,
      date: 1_700_000_000,
      chat: channel,
      sender_chat: channel,
      text: "@duragent_test_bot hello",
      entities: [{ type: "mention", offset: 0, length: 18 }],
    });
    const heard = await program.heard("message_received", { message_id: "5" });
    assert.equal(heard.routing.chat_type, "channel");
    assert.deepEqual(heard.sender, { id: "-1009", display_name: "News" });
    assert.equal(heard.mentions_bot, true);
    assert.deepEqual(heard.content, { type: "text", text: "hello" });
  });

  it("is nothing of other bots, nor that somebody came", async (t) => {
    const { platform: api, program } = await drive(t);
    const chat = api.world.group("g", ["42"]);
    api.world.said(chat, "42", { text: "I am a bot", from: { id: 9, is_bot: true, first_name: "b" } });
    api.world.said(chat, "42", { new_chat_members: [{ id: 10, is_bot: false, first_name: "new" }] });
    const { id } = api.world.said(chat, "42", { text: "person" });
    await program.heard("message_received", { message_id: String(id) });
    assert.equal(program.of("message_received").length, 1);
  });

  it("is a press of a button, which is answered once", async (t) => {
    const { platform: api, program } = await drive(t);
    const chat = api.world.dm("42");
    const own = api.world.store(chat, { isBots: true, text: "x", raw: "x", entities: [], keyboard: [] });
    const shown = api.world.press(chat, "42", own, "approve:deny:abc");
    const press = await program.heard("callback_query");
    assert.equal(press.data, "approve:deny:abc");
    assert.equal(press.message_id, String(own.id));
    const { callback_query_id } = press;
    const text = "é".repeat(300);
    program.send({ type: "ack", chat_id: "42", callback_query_id });
    program.send({ type: "answer_callback_query", request_id: "r1", callback_query_id, text });
    assert.equal(await shown, "é".repeat(200));
    await program.heard("command_ok", { request_id: "r1" });
    assert.deepEqual(api.violations, []);
  });
});
