import assert from "node:assert/strict";
import { test } from "node:test";

import { ask, drive, told, wholeFile } from "./driven-slack.ts";

const driven = await drive(wholeFile);
const { platform } = driven;
const program = () => driven.program;
const text = (words: number) => Array.from({ length: words }, (_, index) => `word${index}`).join(" ");

test("Markdown is shown as Slack's own, in blocks", async () => {
  const chat = platform.dm("U1");
  const content = "# Title\n\n**bold**, *leaning*, ~~gone~~, `a < b` and [docs](https://a.b/?c=1&d=2)\n\n- one\n- two";
  const messageId = await told(program(), { type: "send_message", chat_id: chat.id, content });
  const message = await chat.waitFor("it", ({ id }) => id === messageId);
  assert.equal(
    message.raw,
    "*Title*\n\n*bold*, _leaning_, ~gone~, `a &lt; b` and <https://a.b/?c=1&amp;d=2|docs>\n\n• one\n• two",
  );
  assert.equal(message.text, "Title\n\nbold, leaning, gone, a < b and docs\n\n• one\n• two");
});

test("nothing that a model writes notifies anybody", async () => {
  const chat = platform.group("general", ["U1"]);
  const content =
    "<!channel> <!here|x> <@U1> @channel [x](!everyone) `<!here>` &lt;!here&gt; <https://a.b|<!here>>\n\n```\n<!channel> <@U1>\n```\n\n| a |\n|-|\n| <!here> |";
  await ask(program(), { type: "send_message", chat_id: chat.id, content });
  const message = await chat.waitFor("it", () => true);
  assert.deepEqual(platform.workspace.pings, []);
  assert.match(message.text, /<!channel>/);
});

test("an answer of several parts comes in order, within the limit, and with the buttons under the last", async () => {
  const chat = platform.dm("U1");
  const content = `${text(600)}\n\n\`\`\`js\n${text(500)}\n\`\`\`\n\n${text(300)}`;
  await ask(program(), {
    type: "send_message",
    chat_id: chat.id,
    content,
    inline_keyboard: {
      rows: [
        [
          { text: "Yes", callback_data: "approve:allow_once" },
          { text: "No", callback_data: "x" },
        ],
      ],
    },
  });
  const parts = chat.messages();
  assert.equal(parts.length > 2, true);
  assert.deepEqual(
    parts.map(({ buttons }) => buttons),
    [...parts.slice(1).map(() => []), [["Yes", "No"]]],
  );
  const words = parts.flatMap((part) => part.text.match(/word\d+/g) ?? []);
  assert.deepEqual(words, content.match(/word\d+/g));
});

test("in a group an answer begins a thread, or goes on with one; between two people it does neither", async () => {
  const group = platform.group("general", ["U1"]);
  const asked = await group.say("U1", "a question");
  await ask(program(), { type: "send_message", chat_id: group.id, content: "answer", reply_to: asked });
  const other = await group.say("U1", "more", { threadId: asked });
  await ask(program(), { type: "send_message", chat_id: group.id, content: "more", thread_id: asked, reply_to: other });
  await ask(program(), { type: "send_message", chat_id: group.id, content: "news" });
  assert.deepEqual(
    group.messages().map(({ threadId }) => threadId),
    [asked, asked, undefined],
  );
  const dm = platform.dm("U1");
  const said = await dm.say("U1", "hello");
  await ask(program(), { type: "send_message", chat_id: dm.id, content: "hi", reply_to: said });
  assert.equal(dm.messages()[0]?.threadId, undefined);
});

test("an edit takes the buttons away, also where the text is long; a deletion the message", async () => {
  const chat = platform.dm("U1");
  const keyboard = { rows: [[{ text: "Yes", callback_data: "y" }]] };
  const messageId = await told(program(), {
    type: "send_message",
    chat_id: chat.id,
    content: "May I?",
    inline_keyboard: keyboard,
  });
  const at = { chat_id: chat.id, message_id: messageId };
  await ask(program(), { type: "edit_message", ...at, content: `**Allowed**: ${text(1_000)}` });
  const [edited] = chat.messages();
  assert.deepEqual(edited?.buttons, []);
  assert.equal(edited.edits, 1);
  assert.deepEqual(edited.text.match(/word\d+/g), text(1_000).match(/word\d+/g));
  assert.equal((await ask(program(), { type: "edit_message", ...at, content: text(5_000) })).type, "command_ok");
  assert.equal((await ask(program(), { type: "delete_message", ...at })).type, "command_ok");
  assert.deepEqual(chat.messages(), []);
});

test("files are uploaded to where they belong; an address is sent as one", async () => {
  const chat = platform.group("general", ["U1"]);
  const asked = await chat.say("U1", "a file, please");
  const media = {
    source: "base64",
    data: Buffer.from("a file").toString("base64"),
    mime_type: "text/plain",
    filename: "a.txt",
  };
  const sent = { type: "send_media", chat_id: chat.id, reply_to: asked, media, caption: "**here**" };
  assert.equal((await ask(program(), sent)).type, "command_ok");
  assert.deepEqual(platform.workspace.files, [
    { channel: chat.id, name: "a.txt", bytes: Buffer.from("a file"), comment: "*here*", threadTs: asked },
  ]);
  const url = { source: "url", url: "https://a.b/c?d=1&e=2" };
  await ask(program(), { type: "send_media", chat_id: chat.id, media: url, caption: "look" });
  assert.deepEqual(
    chat.messages().map(({ text: shown }) => shown),
    ["look", "https://a.b/c?d=1&e=2"],
  );
});

test("what Slack refuses is said in the protocol's words, and to whom it helps", async () => {
  const chat = platform.dm("U1");
  const mistakes = [
    [{ type: "send_message", chat_id: "C404", content: "x" }, "chat_not_found", /channel_not_found/],
    [{ type: "send_message", chat_id: chat.id, content: " \n " }, "invalid_request", /blank/],
    [
      { type: "edit_message", chat_id: chat.id, message_id: "1.1", content: "x" },
      "message_not_found",
      /message_not_found/,
    ],
    [{ type: "delete_message", chat_id: chat.id, message_id: "1.1" }, "message_not_found", /message_not_found/],
    [{ type: "answer_callback_query", callback_query_id: "q", text: "x" }, "message_not_found", /press/],
  ] as const;
  for (const [command, code, message] of mistakes) {
    const answer = await ask(program(), command);
    assert.equal(answer.type === "command_error" && answer.code, code);
    assert.match(answer.type === "command_error" ? answer.message : "", message);
  }
});

test("an answer to what Slack lets nobody answer stands in the channel", async () => {
  const group = platform.group("general", ["U1"]);
  const asked = await group.say("U1", "waves", { subtype: "me_message" });
  platform.workspace.unanswerable.add(asked);
  await told(program(), { type: "send_message", chat_id: group.id, content: "hello", reply_to: asked });
  assert.deepEqual(
    group.messages().map(({ text: shown, threadId }) => [shown, threadId]),
    [["hello", undefined]],
  );
});

test("a person whose id stands for a chat is told in direct messages", async () => {
  const chat = platform.dm("U7");
  const asked = await chat.say("U7", "hello");
  await told(program(), { type: "send_message", chat_id: "U7", content: "news", reply_to: asked });
  assert.deepEqual(
    chat.messages().map(({ text: shown, threadId }) => [shown, threadId]),
    [["news", undefined]],
  );
});

test("a limit of rate is passed on with its time, for the core to wait", async () => {
  const chat = platform.dm("U1");
  platform.rateLimitNext(7);
  const answer = await ask(program(), { type: "send_message", chat_id: chat.id, content: "x" });
  assert.equal(answer.type === "command_error" && answer.code, "rate_limited");
  assert.equal(answer.type === "command_error" && answer.retry_after, 7);
  assert.deepEqual(chat.messages(), []);
});

test("a call that is cut off is not tried again by itself", async () => {
  const chat = platform.dm("U1");
  platform.cutNext();
  const answer = await ask(program(), { type: "send_message", chat_id: chat.id, content: "x" });
  assert.equal(answer.type === "command_error" && answer.code, "not_connected");
  assert.equal(chat.messages().length, 1);
});

test("killed between the parts of an answer, it goes on with the next one", async () => {
  const chat = platform.dm("U1");
  const command = { type: "send_message", request_id: "long", chat_id: chat.id, content: text(1_200) };
  // The third part is refused: so the first two are known to be there, and the rest is not.
  const posted = chat.waitFor("the first part", () => true).then(() => platform.rateLimitNext(0));
  program().send(command);
  await posted;
  await program().heard("command_error", { request_id: "long" });
  const before = chat.messages().map(({ id }) => id);
  await driven.again();
  assert.equal((await ask(program(), command)).type, "command_ok");
  const parts = chat.messages();
  assert.deepEqual(parts.map(({ id }) => id).slice(0, before.length), before);
  assert.deepEqual(
    parts.flatMap((part) => part.text.match(/word\d+/g) ?? []),
    text(1_200).match(/word\d+/g),
  );
  // And once it is known to be done, nothing is sent at all.
  await driven.again();
  assert.equal(await told(program(), command), parts.at(-1)?.id);
  assert.equal(chat.messages().length, parts.length);
});

test("nothing of this was malformed to Slack", () => {
  assert.deepEqual(platform.violations, []);
});
