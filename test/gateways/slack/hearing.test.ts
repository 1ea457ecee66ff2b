import assert from "node:assert/strict";
import { test } from "node:test";

import { openSlackHttp, openSlackSocket } from "../../support/platforms/slack/open.ts";
import { bot } from "../../support/platforms/slack/workspace.ts";
import { acknowledge, acknowledged, drive, wholeFile } from "./driven-slack.ts";

const overSocket = await drive(wholeFile, openSlackSocket);
const overHttp = await drive(wholeFile, openSlackHttp);
const ways = [
  { way: "socket mode", driven: overSocket },
  { way: "signed requests", driven: overHttp },
] as const;

for (const { way, driven } of ways) {
  test(`a direct message is handed over, and Slack is told once the core has it (${way})`, async () => {
    const { platform, program } = driven;
    const chat = platform.dm("U1");
    const ts = await chat.say("U1", "is 1 < 2 & 3 > 2?");
    const heard = await program.heard("message_received", { chat_id: chat.id });
    assert.equal(platform.delivery.acknowledged.includes(ts), false);
    assert.deepEqual(heard, {
      type: "message_received",
      message_id: ts,
      chat_id: chat.id,
      sender: { id: "U1", username: "name-u1", display_name: "Person U1" },
      content: { type: "text", text: "is 1 < 2 & 3 > 2?" },
      routing: { channel: "slack", chat_type: "dm", chat_id: chat.id, sender_id: "U1" },
      mentions_bot: false,
      reply_to_bot: false,
      timestamp: new Date(Number(ts) * 1_000).toISOString(),
    });
    acknowledge(program, heard);
    await acknowledged(platform, ts);
  });

  test(`a mention in a channel is handed over once, though Slack brings it twice (${way})`, async () => {
    const { platform, program } = driven;
    const chat = platform.group("general", ["U1", "U2"]);
    const ts = await chat.say("U1", "hello", { mention: true });
    const heard = await program.heard("message_received", { chat_id: chat.id });
    assert.equal(heard.mentions_bot, true);
    assert.equal(heard.content.type === "text" && heard.content.text, "hello");
    assert.deepEqual(heard.routing, {
      channel: "slack",
      chat_type: "group",
      chat_id: chat.id,
      sender_id: "U1",
      thread_id: ts,
    });
    acknowledge(program, heard);
    await acknowledged(platform, ts, 2);
    assert.equal(program.of("message_received").filter((each) => each.chat_id === chat.id).length, 1);
  });

  test(`what is brought again after the core has it is acknowledged at once (${way})`, async () => {
    const { platform, program } = driven;
    const chat = platform.dm("U1");
    const ts = await chat.say("U1", "hello");
    acknowledge(program, await program.heard("message_received", { chat_id: chat.id }));
    await acknowledged(platform, ts);
    await platform.redeliver();
    await acknowledged(platform, ts, 2);
    assert.equal(program.of("message_received").filter((each) => each.chat_id === chat.id).length, 1);
  });
}

test("with the scope for mentions alone a mention comes as app_mention", async () => {
  const { platform, program } = overSocket;
  const chat = platform.group("general", ["U1"]);
  await chat.say("U1", "hello", { mention: true, as: "app_mention" });
  const heard = await program.heard("message_received", { chat_id: chat.id });
  assert.equal(heard.mentions_bot, true);
  assert.equal(heard.routing.chat_type, "group");
});

test("edits, deletions, bots, and people who join are nothing said", async () => {
  const { platform, program } = overSocket;
  const chat = platform.group("general", ["U1"]);
  const at = { type: "message", channel: chat.id, channel_type: "channel", text: "x" };
  const events = [
    { ...at, ts: "1.1", subtype: "message_changed", message: { ts: "1.0", user: "U1", text: "edited" } },
    { ...at, ts: "1.2", subtype: "message_deleted", deleted_ts: "1.0" },
    { ...at, ts: "1.3", subtype: "channel_join", user: "U1" },
    { ...at, ts: "1.4", subtype: "bot_message", bot_id: "B9" },
    { ...at, ts: "1.5", user: "U9", bot_id: "B9" },
    { ...at, ts: "1.6", user: bot.userId },
    { ...at, ts: "1.7", user: "USLACKBOT" },
    { type: "reaction_added", user: "U1", item: {} },
    { type: "message", nonsense: true },
  ];
  for (const event of events) await (await chat.event(event)).acknowledged;
  await chat.say("U1", "said", { subtype: "thread_broadcast" });
  const heard = await program.heard("message_received", { chat_id: chat.id });
  assert.equal(heard.content.type === "text" && heard.content.text, "said");
});

test("the mention before a command is taken away, so that it is one", async () => {
  const { platform, program } = overSocket;
  const chat = platform.group("general", ["U1"]);
  await chat.say("U1", "/reset", { mention: true });
  const heard = await program.heard("message_received", { chat_id: chat.id });
  assert.equal(heard.content.type === "text" && heard.content.text, "/reset");
  assert.equal(heard.mentions_bot, true);
});

test("names, channels and addresses are read as people see them", async () => {
  const { platform, program } = overSocket;
  const chat = platform.group("general", ["U1", "U2"]);
  const text =
    "<@U2> <@U404> <#C1|random> <!here> <!subteam^S1|@ops> <https://a.b/?c=1&amp;d=2|docs> <https://a.b|a.b> <mailto:x@y.z|x@y.z> &lt;b&gt;";
  await chat.event({ type: "message", channel: chat.id, channel_type: "channel", user: "U1", ts: "5.000001", text });
  const heard = await program.heard("message_received", { chat_id: chat.id });
  assert.equal(
    heard.content.type === "text" && heard.content.text,
    "@Person U2 @U404 #random @here @ops docs (https://a.b/?c=1&d=2) https://a.b x@y.z <b>",
  );
});

test("files come with their address and what it takes to fetch them", async () => {
  const { platform, program } = overSocket;
  const chat = platform.dm("U1");
  const file = (name: string, mimetype: string, more = {}) => ({
    id: "F1",
    name,
    mimetype,
    size: 12,
    url_private: `https://files.slack.com/${name}`,
    ...more,
  });
  await chat.say("U1", "look", {
    files: [
      file("a.png", "image/png", { url_private_download: "https://files.slack.com/download/a.png" }),
      file("b.pdf", "application/pdf"),
      file("c.m4a", "audio/mp4", { subtype: "slack_audio" }),
      { id: "F4", mode: "tombstone" },
    ],
  });
  const { content, attachments } = await program.heard("message_received", { chat_id: chat.id });
  const headers = { authorization: "Bearer xoxb-1-test-token" };
  assert.deepEqual(content, {
    type: "media",
    media_type: "image",
    url: "https://files.slack.com/download/a.png",
    headers,
    mime_type: "image/png",
    filename: "a.png",
    size: 12,
    caption: "look",
  });
  assert.deepEqual(
    attachments?.map(({ media_type, url }) => [media_type, url]),
    [
      ["document", "https://files.slack.com/b.pdf"],
      ["voice", "https://files.slack.com/c.m4a"],
      ["document", undefined],
    ],
  );
});

test("whoever keeps a file that was only linked to is not told the bot's token", async () => {
  const { platform, program } = overSocket;
  const chat = platform.dm("U1");
  const elsewhere = [
    "https://attacker.example/cat.png",
    "https://files.slack.com.attacker.example/cat.png",
    "https://notslack.com/cat.png",
    "http://files.slack.com/cat.png",
    "https://files.slack.com@attacker.example/cat.png",
  ];
  await chat.say("U1", "look", {
    files: elsewhere.map((url_private) => ({ name: "cat.png", mode: "external", is_external: true, url_private })),
  });
  const { content, attachments = [] } = await program.heard("message_received", { chat_id: chat.id });
  const files = [content, ...attachments].flatMap((one) => (one.type === "media" ? [one] : []));
  assert.deepEqual(
    files.map(({ url, headers }) => ({ url, headers })),
    elsewhere.map((url) => ({ url, headers: undefined })),
  );
});

test("a reply is for the bot where it began the thread or has spoken in it, also after a kill", async () => {
  const driven = overSocket;
  const { platform } = driven;
  const chat = platform.group("general", ["U1", "U2"]);
  const root = await chat.say("U1", "a question");
  acknowledge(driven.program, await driven.program.heard("message_received", { message_id: root }));
  const before = await chat.say("U2", "me too", { replyTo: root });
  const unaddressed = await driven.program.heard("message_received", { message_id: before });
  assert.equal(unaddressed.reply_to_bot, false);
  assert.equal(unaddressed.reply_to, root);
  assert.equal(unaddressed.routing["thread_id"], root);
  acknowledge(driven.program, unaddressed);

  driven.program.send({
    type: "send_message",
    request_id: "a",
    chat_id: chat.id,
    content: "an answer",
    reply_to: root,
  });
  await driven.program.heard("command_ok", { request_id: "a" });
  driven.program.send({ type: "send_message", request_id: "b", chat_id: chat.id, content: "unasked" });
  const { message_id: own } = await driven.program.heard("command_ok", { request_id: "b" });
  await driven.again();
  const after = await chat.say("U2", "thanks", { replyTo: root });
  assert.equal((await driven.program.heard("message_received", { message_id: after })).reply_to_bot, true);
  const toOwn = await chat.say("U2", "oh", { replyTo: own ?? "" });
  assert.equal((await driven.program.heard("message_received", { message_id: toOwn })).reply_to_bot, true);
});

test("messages of a chat keep their order, whoever has to be looked up first", async () => {
  const { platform, program } = overSocket;
  const users = Array.from({ length: 8 }, (_, index) => `U${index + 1}`);
  const chat = platform.group("general", users);
  const said: string[] = [];
  for (const user of [...users, ...users]) said.push(await chat.say(user, `from ${user}`));
  await program.heard("message_received", { message_id: said.at(-1) });
  assert.deepEqual(
    program
      .of("message_received")
      .filter(({ chat_id }) => chat_id === chat.id)
      .map(({ message_id }) => message_id),
    said,
  );
});

test("nothing of this was malformed to Slack", () => {
  assert.deepEqual([...overSocket.platform.violations, ...overHttp.platform.violations], []);
});

test("what somebody passes on from elsewhere is read with what they say of it", async () => {
  const { platform, program } = overSocket;
  const chat = platform.dm("U1");
  await chat.say("U1", "", {
    attachments: [
      { is_share: true, is_msg_unfurl: true, text: "is 1 &lt; 2?", fallback: "Bob: is 1 &lt; 2?", author_name: "Bob" },
      { text: "the preview of a page", from_url: "https://a.b" },
    ],
  });
  const heard = await program.heard("message_received", { chat_id: chat.id });
  assert.deepEqual(heard.content, { type: "text", text: "[forwarded]\nis 1 < 2?" });
  acknowledge(program, heard);
});

test("a file of which Slack says nothing by itself is asked for, and named where it says nothing then", async () => {
  const { platform, program } = overSocket;
  const chat = platform.dm("U1");
  const url = "https://files.slack.com/files-pri/T1-F1/a.txt";
  platform.workspace.filesToAskFor.set("F1", { name: "a.txt", mimetype: "text/plain", size: 3, url_private: url });
  const hidden = { mode: "file_access", file_access: "check_file_info", created: 0, timestamp: 0, user: "" };
  await chat.say("U1", "see", {
    files: [
      { id: "F1", ...hidden },
      { id: "F2", ...hidden },
    ],
  });
  const heard = await program.heard("message_received", { chat_id: chat.id });
  const { content, attachments } = heard;
  assert.equal(content.type === "media" && content.url, url);
  assert.equal(content.type === "media" && content.filename, "a.txt");
  assert.deepEqual(attachments, [{ type: "media", media_type: "document" }]);
  acknowledge(program, heard);
});

test("a message in the home of an older app is a direct one", async () => {
  const { platform, program } = overSocket;
  const chat = platform.dm("U1");
  const said = { type: "message", user: "U1", text: "hello", ts: platform.workspace.nextTs() };
  await chat.event({ ...said, channel: chat.id, channel_type: "app_home" });
  const heard = await program.heard("message_received", { chat_id: chat.id });
  assert.deepEqual([heard.routing.chat_type, heard.routing["thread_id"]], ["dm", undefined]);
  acknowledge(program, heard);
});
