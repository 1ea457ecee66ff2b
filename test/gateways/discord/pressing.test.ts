import assert from "node:assert/strict";
import test from "node:test";

import { until } from "../../support/until.ts";
import { drive, together, type DrivenDiscord } from "./driven-discord.ts";

const ann = "100200300400500600";
const bob = "100200300400500601";
const data = "approve:allow_once:abcdefghij";
const keyboard = { rows: [[{ text: "Allow once", callback_data: data }]] };

const cases = together("takes presses of buttons");

async function prompt({ platform, program }: DrivenDiscord, title: string): Promise<ReturnType<typeof platform.group>> {
  const group = platform.group(title, [ann, bob]);
  program.send({
    type: "send_message",
    request_id: title,
    chat_id: group.id,
    content: "may I?",
    inline_keyboard: keyboard,
  });
  await program.heard("command_ok", { request_id: title });
  return group;
}

cases("hands a press over and shows the answer to nobody but the presser", async (driven) => {
  const { platform, program } = driven;
  const group = await prompt(driven, "first");
  const [message] = group.messages();
  assert.ok(message);
  const shown = group.press(bob, message, "Allow once");
  const { callback_query_id, ...press } = await program.heard("callback_query", { chat_id: group.id });
  assert.deepEqual(press, {
    type: "callback_query",
    chat_id: group.id,
    sender: { id: bob, username: `person${bob}`, display_name: `person${bob}` },
    message_id: message.id,
    data,
  });
  const text = "Only ann may decide this";
  program.send({ type: "answer_callback_query", request_id: "a1", callback_query_id, text });
  await program.heard("command_ok", { request_id: "a1" });
  assert.equal(await shown, text);
  assert.equal(group.messages().length, 1);
  assert.ok(platform.world.interactions.get(callback_query_id)?.answeredAtMs);
});

cases("confirms a press to Discord at once, whatever the core does", async (driven) => {
  const { platform, program } = driven;
  const group = await prompt(driven, "second");
  const [message] = group.messages();
  assert.ok(message);
  void group.press(ann, message, "Allow once");
  await program.heard("callback_query", { chat_id: group.id });
  await until("it is confirmed", () => [...platform.world.interactions.values()].every((it) => it.answeredAtMs));
});

cases("hears a press in a direct message", async ({ platform, program }) => {
  const chat = platform.dm(ann);
  program.send({
    type: "send_message",
    request_id: "dm",
    chat_id: chat.id,
    content: "may I?",
    inline_keyboard: keyboard,
  });
  await program.heard("command_ok", { request_id: "dm" });
  const [message] = chat.messages();
  assert.ok(message);
  const shown = chat.press(ann, message, "Allow once");
  const { callback_query_id, sender } = await program.heard("callback_query", { chat_id: chat.id });
  assert.equal(sender.id, ann);
  program.send({ type: "answer_callback_query", request_id: "dm2", callback_query_id, text: "Allowed once" });
  assert.equal(await shown, "Allowed once");
});

test("hands a press over also when Discord did not take its confirmation", async (t) => {
  const driven = await drive(t);
  const { platform, program } = driven;
  const group = await prompt(driven, "late");
  const [message] = group.messages();
  assert.ok(message);
  platform.world.interactionsLate = true;
  void group.press(ann, message, "Allow once");
  const { callback_query_id } = await program.heard("callback_query", { chat_id: group.id });
  program.send({ type: "answer_callback_query", request_id: "a", callback_query_id, text: "Allowed once" });
  assert.equal((await program.heard("command_error", { request_id: "a" })).code, "message_not_found");
});
