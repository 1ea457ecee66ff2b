import assert from "node:assert/strict";
import test from "node:test";

import { messageTypes } from "../../support/platforms/discord/world.ts";
import { until } from "../../support/until.ts";
import { drive, together } from "./driven-discord.ts";

const ann = "100200300400500600";
const keyboard = {
  rows: [
    [{ text: "Allow once", callback_data: "approve:allow_once:abc" }],
    [{ text: "Deny", callback_data: "approve:deny:abc" }],
  ],
};
/** Three parts, one of them cut inside of code. */
const long = ["# Plan", "word ".repeat(300), "```ts", "const x = 1;\n".repeat(300) + "```", "the end 😀"].join("\n\n");

const cases = together("sends what the core says");

cases("sends Markdown as it is, as an answer to a message, and pings nobody", async ({ platform, program }) => {
  const group = platform.group("Team", [ann]);
  const asked = await group.say(ann, "well?", { mention: true });
  const content = `**yes** @everyone @here <@${ann}> https://example.test`;
  program.send({ type: "send_message", request_id: "r1", chat_id: group.id, content, reply_to: asked });
  const { message_id } = await program.heard("command_ok", { request_id: "r1" });
  const [sent] = group.messages();
  assert.deepEqual([sent?.id, sent?.raw, sent?.replyTo], [message_id, content, asked]);
  const there = platform.world.messages.get(message_id ?? "");
  assert.deepEqual(there?.pings, []);
  // Discord is asked not to fetch what links lead to.
  assert.equal(there?.flags, 4);
});

cases(
  "sends a long answer in parts: the reply on the first, the buttons on the last",
  async ({ platform, program }) => {
    const group = platform.group("Team", [ann]);
    const asked = await group.say(ann, "long, please");
    program.send({
      type: "send_message",
      request_id: "r2",
      chat_id: group.id,
      content: long,
      reply_to: asked,
      inline_keyboard: keyboard,
    });
    const { message_id } = await program.heard("command_ok", { request_id: "r2" });
    const sent = group.messages();
    assert.ok(sent.length >= 3);
    assert.deepEqual(
      sent.map(({ replyTo }) => replyTo),
      [asked, ...sent.slice(1).map(() => undefined)],
    );
    assert.deepEqual(sent.at(-1)?.buttons, [["Allow once"], ["Deny"]]);
    assert.ok(sent.slice(0, -1).every(({ buttons }) => buttons.length === 0));
    assert.equal(sent.at(-1)?.id, message_id);
    for (const { raw } of sent) assert.equal(raw.split("```").length % 2, 1, "every fence is closed");
    const words = sent
      .map(({ text }) => text)
      .join(" ")
      .split(/\s+/);
    assert.deepEqual(
      words,
      long
        .replace("# ", "")
        .replaceAll(/```(ts)?/g, "")
        .trim()
        .split(/\s+/),
    );
  },
);

cases("counts characters, not UTF-16 units", async ({ platform, program }) => {
  const chat = platform.dm(ann);
  program.send({ type: "send_message", request_id: "r3", chat_id: chat.id, content: "😀".repeat(2_000) });
  await program.heard("command_ok", { request_id: "r3" });
  assert.equal(chat.messages().length, 1);
  program.send({ type: "send_message", request_id: "r4", chat_id: chat.id, content: "😀".repeat(2_001) });
  await program.heard("command_ok", { request_id: "r4" });
  assert.equal(
    chat
      .messages()
      .map(({ raw }) => raw)
      .join(""),
    "😀".repeat(4_001),
  );
});

cases("answers a message that is gone without pointing to it", async ({ platform, program }) => {
  const chat = platform.dm(ann);
  program.send({
    type: "send_message",
    request_id: "r5",
    chat_id: chat.id,
    content: "a",
    reply_to: "123456789012345678",
  });
  await program.heard("command_ok", { request_id: "r5" });
  assert.equal(chat.messages()[0]?.replyTo, undefined);
});

cases("answers without pointing to it what Discord lets nobody answer", async ({ platform, program }) => {
  const group = platform.group("Team", [ann]);
  const opened = await group.say(ann, "", { type: messageTypes.threadStarter });
  program.send({ type: "send_message", request_id: "r6", chat_id: group.id, content: "a", reply_to: opened });
  await program.heard("command_ok", { request_id: "r6" });
  const asked = await group.say(ann, "b?", { mention: true });
  platform.world.channelsWithoutHistory.add(group.id);
  program.send({ type: "send_message", request_id: "r7", chat_id: group.id, content: "b", reply_to: asked });
  await program.heard("command_ok", { request_id: "r7" });
  assert.deepEqual(
    group.messages().map(({ raw, replyTo }) => [raw, replyTo]),
    [
      ["a", undefined],
      ["b", undefined],
    ],
  );
});

cases("tells a person whose id stands for a chat in direct messages", async ({ platform, program }) => {
  const bob = "100200300400500777";
  platform.group("Team", [bob]);
  program.send({ type: "send_message", request_id: "d1", chat_id: bob, content: "news", inline_keyboard: keyboard });
  const { message_id } = await program.heard("command_ok", { request_id: "d1" });
  program.send({ type: "edit_message", request_id: "d2", chat_id: bob, message_id, content: "old news" });
  await program.heard("command_ok", { request_id: "d2" });
  const there = platform.world.messages.get(message_id ?? "");
  assert.equal(there?.content, "old news");
  assert.equal(platform.world.channels.get(there?.channelId ?? "")?.recipientId, bob);
});

cases("edits a message, which takes its buttons, and deletes it", async ({ platform, program }) => {
  const chat = platform.dm(ann);
  const of = { chat_id: chat.id };
  program.send({ type: "send_message", request_id: "e1", ...of, content: "may I?", inline_keyboard: keyboard });
  const { message_id } = await program.heard("command_ok", { request_id: "e1" });
  program.send({ type: "edit_message", request_id: "e2", ...of, message_id, content: `${"x ".repeat(3_000)}allowed` });
  await program.heard("command_ok", { request_id: "e2" });
  const [edited] = chat.messages();
  // The question is known by its last part, which is the one that is replaced.
  assert.deepEqual([edited?.buttons, edited?.edits, edited?.raw.endsWith("allowed")], [[], 1, true]);
  program.send({ type: "delete_message", request_id: "e3", ...of, message_id });
  await program.heard("command_ok", { request_id: "e3" });
  assert.deepEqual(chat.messages(), []);
  program.send({ type: "delete_message", request_id: "e4", ...of, message_id });
  assert.equal((await program.heard("command_error", { request_id: "e4" })).code, "message_not_found");
});

const refused: [what: string, command: object, code: string][] = [
  ["an unknown channel", { type: "send_message", chat_id: "999999999999999999", content: "a" }, "chat_not_found"],
  ["a channel that is no number", { type: "send_message", chat_id: "../users/@me", content: "a" }, "chat_not_found"],
  ["a message that is no number", { type: "edit_message", message_id: "../..", content: "a" }, "message_not_found"],
  ["an unknown message", { type: "edit_message", message_id: "999999999999999999", content: "a" }, "message_not_found"],
  ["blank text", { type: "send_message", content: " \n" }, "invalid_request"],
  [
    "a press that it does not know",
    { type: "answer_callback_query", callback_query_id: "5", text: "a" },
    "message_not_found",
  ],
];
for (const [n, [what, command, code]] of refused.entries()) {
  cases(`says of ${what}: ${code}`, async ({ platform, program }) => {
    const chat = platform.dm(ann);
    program.send({ request_id: `refused${n}`, chat_id: chat.id, ...command });
    assert.equal((await program.heard("command_error", { request_id: `refused${n}` })).code, code);
  });
}

cases("puts more than five buttons of a row into the next", async ({ platform, program }) => {
  const chat = platform.dm(ann);
  const row = Array.from({ length: 7 }, (_, n) => ({ text: `${n} ${"long ".repeat(30)}`, callback_data: `d${n}` }));
  program.send({
    type: "send_message",
    request_id: "b1",
    chat_id: chat.id,
    content: "pick",
    inline_keyboard: { rows: [row] },
  });
  await program.heard("command_ok", { request_id: "b1" });
  assert.deepEqual(
    chat.messages()[0]?.buttons.map(({ length }) => length),
    [5, 2],
  );
});

cases("uploads a file, shows an address, with the words around it", async ({ platform, program }) => {
  const chat = platform.dm(ann);
  const data = Buffer.from("hello").toString("base64");
  const file = { source: "base64", data, mime_type: "text/plain", filename: "a.txt" };
  program.send({ type: "send_media", request_id: "m1", chat_id: chat.id, media: file, caption: "see" });
  const { message_id } = await program.heard("command_ok", { request_id: "m1" });
  const there = platform.world.messages.get(message_id ?? "");
  assert.deepEqual([there?.content, there?.attachments[0]?.filename, there?.attachments[0]?.size], ["see", "a.txt", 5]);
  const url = "https://example.test/a.png";
  program.send({ type: "send_media", request_id: "m2", chat_id: chat.id, media: { source: "url", url } });
  await program.heard("command_ok", { request_id: "m2" });
  assert.equal(chat.messages().at(-1)?.raw, url);
});

cases("shows that it types, once for many hints", async ({ platform, program }) => {
  const chat = platform.dm(ann);
  for (let n = 0; n < 5; n += 1) program.send({ type: "send_typing", chat_id: chat.id, duration: 5 });
  program.send({ type: "send_typing", chat_id: "nonsense", duration: 5 });
  program.send({ type: "send_message", request_id: "t1", chat_id: chat.id, content: "done" });
  await program.heard("command_ok", { request_id: "t1" });
  await until("it was shown", () => chat.typings > 0);
  assert.equal(chat.typings, 1);
});

cases(
  "leaves the waiting to the core when Discord limits it, and goes on with the next part",
  async ({ platform, program }) => {
    const chat = platform.dm(ann);
    platform.rateLimitNext(0.2);
    const command = { type: "send_message", request_id: "l1", chat_id: chat.id, content: long };
    program.send(command);
    const error = await program.heard("command_error", { request_id: "l1" });
    assert.equal(error.code, "rate_limited");
    assert.ok((error.retry_after ?? 0) >= 0.2);
    program.send(command);
    await program.heard("command_ok", { request_id: "l1" });
    assert.ok(chat.messages().at(-1)?.text.endsWith("the end 😀"));
  },
);

cases("sends a message once although the answer to it was lost", async ({ platform, program }) => {
  const chat = platform.dm(ann);
  const command = { type: "send_message", request_id: "c1", chat_id: chat.id, content: "once" };
  platform.cutNext();
  program.send(command);
  assert.equal((await program.heard("command_error", { request_id: "c1" })).code, "not_connected");
  program.send(command);
  const { message_id } = await program.heard("command_ok", { request_id: "c1" });
  assert.deepEqual(
    chat.messages().map(({ id }) => id),
    [message_id],
  );
});

test("goes on with the next part after a kill in the middle of an answer", async (t) => {
  const driven = await drive(t);
  const { platform } = driven;
  const chat = platform.dm(ann);
  const command = { type: "send_message", request_id: "k1", chat_id: chat.id, content: long };
  platform.world.once("message", () => platform.rateLimitNext(1));
  driven.program.send(command);
  await driven.program.heard("command_error", { request_id: "k1" });
  assert.equal(chat.messages().length, 1);
  // What the platform remembers of nonces is gone: only the gateway's own memory helps.
  const program = await driven.again(() => {
    for (const message of platform.world.messages.values()) delete message.nonce;
  });
  program.send(command);
  const { message_id } = await program.heard("command_ok", { request_id: "k1" });
  assert.equal(chat.messages().filter(({ text }) => text.startsWith("Plan")).length, 1);
  assert.equal(chat.messages().at(-1)?.id, message_id);
  program.send(command);
  await until("both answers", () => program.of("command_ok").length === 2);
  assert.equal(chat.messages().at(-1)?.id, message_id);
});

test("keeps the token out of the log and the answers, whatever fails", async (t) => {
  const { platform, program } = await drive(t);
  const chat = platform.dm(ann);
  platform.setReachable(false);
  program.send({ type: "send_message", request_id: "s1", chat_id: chat.id, content: "a" });
  assert.equal((await program.heard("command_error", { request_id: "s1" })).code, "not_connected");
  assert.doesNotMatch(program.log + JSON.stringify(program.events), /canary-discord-token/);
});
