import assert from "node:assert/strict";
import { test } from "node:test";

import { openSlackHttp, openSlackSocket } from "../../support/platforms/slack/open.ts";
import { acknowledge, ask, drive, wholeFile } from "./driven-slack.ts";

const ways = [
  { way: "socket mode", driven: await drive(wholeFile, openSlackSocket) },
  { way: "signed requests", driven: await drive(wholeFile, openSlackHttp) },
] as const;
const keyboard = {
  rows: [
    [{ text: "Allow once", callback_data: "approve:allow_once:abc" }],
    [{ text: "Deny", callback_data: "approve:deny:abc" }],
  ],
};

for (const { way, driven } of ways) {
  test(`a press comes with who pressed, and only they are shown the answer (${way})`, async () => {
    const { platform, program } = driven;
    const chat = platform.group("general", ["U1", "U2"]);
    const asked = await chat.say("U1", "do it");
    await ask(program, {
      type: "send_message",
      chat_id: chat.id,
      content: "May I?",
      reply_to: asked,
      inline_keyboard: keyboard,
    });
    const prompt = await chat.waitFor("the prompt", ({ buttons }) => buttons.length === 2);
    const pressed = chat.press("U2", prompt, "Deny");
    const query = await program.heard("callback_query", { chat_id: chat.id });
    assert.deepEqual(query, {
      type: "callback_query",
      callback_query_id: query.callback_query_id,
      chat_id: chat.id,
      sender: { id: "U2", username: "name-u2" },
      message_id: prompt.id,
      data: "approve:deny:abc",
    });
    acknowledge(program, query);
    const answer = { type: "answer_callback_query", callback_query_id: query.callback_query_id };
    await ask(program, { ...answer, text: "Only <U1> may decide." });
    assert.equal(await pressed, "Only <U1> may decide.");
    assert.equal((await ask(program, answer)).type, "command_ok");
    assert.deepEqual(platform.violations, []);
  });
}
