import assert from "node:assert/strict";
import test from "node:test";

import type { GatewayEvent } from "@duragent/gateway-protocol";

import { messagePayload } from "../../support/platforms/discord/payloads.ts";
import { until } from "../../support/until.ts";
import { drive, together } from "./driven-discord.ts";

const ann = "100200300400500600";
const bob = "100200300400500601";
type Heard = GatewayEvent<"message_received">;

const cases = together("hears people");

cases("hands over a direct message with who said it and where", async ({ platform, program }) => {
  const chat = platform.dm(ann);
  const id = await chat.say(ann, "hello");
  const { timestamp, ...heard } = await program.heard("message_received", { message_id: id });
  assert.ok(Date.parse(timestamp ?? "") > 0);
  assert.deepEqual(heard, {
    type: "message_received",
    message_id: id,
    chat_id: chat.id,
    sender: { id: ann, username: `person${ann}`, display_name: `person${ann}` },
    content: { type: "text", text: "hello" },
    routing: { channel: "discord", chat_type: "dm", chat_id: chat.id, sender_id: ann },
    mentions_bot: false,
    reply_to_bot: false,
  });
});

cases("knows when a group speaks to it: by its name, its role, a reply", async ({ platform, program }) => {
  const group = platform.group("Team", [ann, bob]);
  const guild = [...platform.world.guilds.values()].at(-1);
  const last = async (id: string): Promise<Heard> => program.heard("message_received", { message_id: id });

  const aside = await last(await group.say(ann, "not for you"));
  assert.deepEqual([aside.mentions_bot, aside.reply_to_bot], [false, false]);
  assert.equal(aside.routing.chat_type, "group");
  assert.equal(aside.routing["guild_id"], guild?.id);

  const named = await last(await group.say(ann, "/reset", { mention: true }));
  assert.deepEqual([named.mentions_bot, named.content], [true, { type: "text", text: "/reset" }]);

  const byRole = await last(await group.say(ann, `<@&${guild?.roleId}>, are you there?`));
  assert.deepEqual([byRole.mentions_bot, byRole.content], [true, { type: "text", text: "are you there?" }]);

  program.send({ type: "send_message", request_id: "r1", chat_id: group.id, content: "I am" });
  const { message_id: own = "" } = await program.heard("command_ok", { request_id: "r1" });
  const reply = await last(await group.say(bob, "good", { replyTo: own }));
  assert.deepEqual([reply.mentions_bot, reply.reply_to_bot, reply.reply_to], [false, true, own]);
  const other = await last(await group.say(bob, "not you", { replyTo: aside.message_id }));
  assert.equal(other.reply_to_bot, false);
});

cases("shows names for ids, and a mention that is all there is", async ({ platform, program }) => {
  const group = platform.group("Team", [ann, bob]);
  const { bot } = platform.world;
  const text = async (said: string): Promise<unknown> => {
    const id = await group.say(ann, said);
    const { content } = await program.heard("message_received", { message_id: id });
    return content.type === "text" ? content.text : content;
  };
  assert.equal(await text(`ask <@${bob}> in <#${group.id}> <:wave:123>`), `ask @person${bob} in #general :wave:`);
  assert.equal(await text(`<@${bot.id}>`), "@Dura");
  assert.equal(await text(`is <@${bot.id}> there`), "is @Dura there");
  assert.equal(await text("at <t:1618953630:R> use </reset:123>"), "at 2021-04-20T21:20:30.000Z use /reset");
});

cases("does not hear bots, webhooks or what Discord itself says", async ({ platform, program }) => {
  const group = platform.group("Team", [ann]);
  platform.world.users.set("7", { id: "7", username: "other", global_name: null, bot: true });
  await group.say("7", "beep");
  await group.say(ann, "hook", { extras: { webhook_id: "5" } });
  await group.say(ann, "joined", { type: 7 });
  await group.say(ann, "pinned", { type: 6 });
  program.send({ type: "send_message", request_id: "own", chat_id: group.id, content: "my own words" });
  await program.heard("command_ok", { request_id: "own" });
  const id = await group.say(ann, "real");
  await program.heard("message_received", { message_id: id });
  assert.equal(program.of("message_received").filter(({ chat_id }) => chat_id === group.id).length, 1);
});

cases("calls people what the guild calls them", async ({ platform, program }) => {
  const group = platform.group("Team", [ann]);
  platform.world.users.set(ann, { id: ann, username: "ann99", global_name: "Ann" });
  await group.say(ann, "a");
  await group.say(ann, "b", { extras: { member: { nick: "Annie", roles: [] } } });
  const heard = (): Heard[] => program.of("message_received").filter(({ chat_id }) => chat_id === group.id);
  await until("both", () => heard().length === 2);
  assert.deepEqual(
    heard().map(({ sender }) => sender.display_name),
    ["Ann", "Annie"],
  );
});

cases("hands over files with their address, the words as caption", async ({ platform, program }) => {
  const chat = platform.dm(ann);
  const url = "https://cdn.discordapp.test/a.png";
  const image = { id: "1", filename: "a.png", size: 83_000, content_type: "image/png", url };
  const other = { id: "2", filename: "b.bin", size: 5, url };
  const voice = { id: "3", filename: "v.ogg", size: 9, content_type: "audio/ogg", url, duration_secs: 2 };
  const id = await chat.say(ann, "look", { attachments: [image, other, voice] });
  const { content, attachments } = await program.heard("message_received", { message_id: id });
  const picture = { type: "media", media_type: "image", mime_type: "image/png", filename: "a.png", size: 83_000, url };
  assert.deepEqual(content, { ...picture, caption: "look" });
  assert.deepEqual(
    attachments?.map(({ media_type, filename }) => [media_type, filename]),
    [
      ["document", "b.bin"],
      ["voice", "v.ogg"],
    ],
  );
});

cases("puts stickers, embeds, polls and what was forwarded into words", async ({ platform, program }) => {
  const chat = platform.dm(ann);
  const said: [extras: Record<string, unknown>, content: unknown][] = [
    [{ sticker_items: [{ id: "1", name: "Wave", format_type: 1 }] }, { type: "text", text: "[sticker: Wave]" }],
    [
      { embeds: [{ title: "News", description: "It rains", url: "https://example.test" }] },
      { type: "text", text: "News\nIt rains\nhttps://example.test" },
    ],
    [
      { poll: { question: { text: "Lunch?" }, answers: [{ poll_media: { text: "yes" } }] } },
      { type: "text", text: "[poll: Lunch?]\n- yes" },
    ],
    [
      {
        message_reference: { type: 1, message_id: "1" },
        message_snapshots: [{ message: { content: "old news", attachments: [], embeds: [] } }],
      },
      { type: "text", text: "[forwarded]\nold news" },
    ],
    [{}, { type: "unknown" }],
  ];
  for (const [extras, content] of said) {
    const id = await chat.say(ann, "", { extras });
    assert.deepEqual((await program.heard("message_received", { message_id: id })).content, content);
  }
});

cases("hears a thread as a chat of its own that says where it hangs", async ({ platform, program }) => {
  const group = platform.group("Team", [ann]);
  const root = await group.say(ann, "let us talk");
  const id = await group.say(ann, "here", { threadId: root, mention: true });
  const heard = await program.heard("message_received", { message_id: id });
  assert.equal(heard.chat_id, root);
  assert.equal(heard.routing["parent_id"], group.id);
  program.send({ type: "send_message", request_id: "r", chat_id: heard.chat_id, content: "there" });
  const answer = await group.waitFor("an answer in the thread", ({ threadId }) => threadId === root);
  assert.equal(answer.text, "there");

  const starter = await group.say(ann, "", {
    threadId: root,
    type: 21,
    extras: { referenced_message: { content: `<@${platform.world.bot.id}> let us talk`, attachments: [], embeds: [] } },
  });
  const first = await program.heard("message_received", { message_id: starter });
  assert.deepEqual([first.mentions_bot, first.content], [false, { type: "text", text: "let us talk" }]);
});

test("goes on with what comes while the core confirms nothing", async (t) => {
  const { platform, program } = await drive(t);
  const { id: channelId } = platform.dm(ann);
  const message = { channelId, author: platform.world.user(ann), type: 0, components: [], attachments: [], flags: 0 };
  for (let n = 0; n < 1_100; n += 1) {
    const said = platform.world.addMessage({ ...message, content: `message ${n}`, pings: [], extras: {} });
    platform.world.tell({ t: "MESSAGE_CREATE", d: messagePayload(platform.world, said) });
  }
  await until("all of them", () => program.of("message_received").length === 1_100);
  const texts = program.of("message_received").map(({ content }) => content.type === "text" && content.text);
  assert.deepEqual(
    texts,
    texts.toSorted((a, b) => Number(String(a).slice(8)) - Number(String(b).slice(8))),
  );
  await until("those given up are said", () => program.log.split("is given up").length === 101);
});
