import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { openBotApi } from "./open.ts";

const button = (callback_data: string): object => ({ inline_keyboard: [[{ text: "b", callback_data }]] });
const html = (text: string): object => ({ chat_id: 42, text, parse_mode: "HTML" });

/** What Telegram refuses, in its words; without a description it takes it. */
const requests: readonly (readonly [method: string, given: object, status: number, description?: RegExp])[] = [
  ["sendMessage", { chat_id: 42, text: "a" }, 200],
  ["sendMessage", { chat_id: "42", text: "a".repeat(4096) }, 200],
  ["sendMessage", { chat_id: 42, text: "a".repeat(4097) }, 400, /message is too long/],
  ["sendMessage", { chat_id: 42, text: " \n" }, 400, /text is empty/],
  ["sendMessage", { chat_id: 43, text: "a" }, 400, /chat not found/],
  ["sendMessage", { chat_id: 42, text: "a", parse: "x" }, 400, /unknown parameters parse/],
  ["sendMessage", html('<b>a</b> &amp; &lt;&#33; & <a href="https://a.b">c</a>'), 200],
  ["sendMessage", html("&amp;".repeat(4096)), 200],
  ["sendMessage", html("<b></b>"), 400, /text must be non-empty/],
  ["sendMessage", html("<b>a"), 400, /can't find end tag corresponding to start tag "b"/],
  ["sendMessage", html("<b><i>a</b></i>"), 400, /unmatched end tag/],
  ["sendMessage", html("a</b>"), 400, /unexpected end tag/],
  ["sendMessage", html("<h1>a</h1>"), 400, /unsupported start tag "h1"/],
  ["sendMessage", html("a < b"), 400, /unsupported start tag/],
  ["sendMessage", html("<code><b>a</b></code>"), 400, /bold inside of code/],
  ["sendMessage", { chat_id: 42, text: "a", reply_markup: button("é".repeat(32)) }, 200],
  ["sendMessage", { chat_id: 42, text: "a", reply_markup: button("é".repeat(33)) }, 400, /BUTTON_DATA_INVALID/],
  ["sendMessage", { chat_id: 42, text: "a", reply_markup: button("") }, 400, /BUTTON_DATA_INVALID/],
  ["sendMessage", { chat_id: 42, text: "a", reply_parameters: { message_id: 999 } }, 400, /replied not found/],
  ["sendMessage", { chat_id: 42, text: "a", message_thread_id: 5 }, 400, /message thread not found/],
  ["editMessageText", { chat_id: 42, message_id: 1, text: "a" }, 400, /message is not modified/],
  ["editMessageText", { chat_id: 42, message_id: 1, text: "b" }, 200],
  ["editMessageText", { chat_id: 42, message_id: 99, text: "b" }, 400, /message to edit not found/],
  ["answerCallbackQuery", { callback_query_id: "1" }, 400, /query is too old/],
  ["sendChatAction", { chat_id: 42, action: "dancing" }, 400, /wrong parameter action/],
  ["getUpdates", { limit: 101 }, 400, /wrong parameter limit/],
  ["dance", {}, 404, /Not Found/],
];

describe("the Telegram of the tests", () => {
  it("refuses what Telegram refuses", async (t) => {
    const api = await openBotApi(t);
    api.world.dm("42");
    for (const [method, given, status, description] of requests) {
      const told = await ask(`${api.url}/bot${api.world.bot.token}/${method}`, given);
      const shown = `${method} ${JSON.stringify(given).slice(0, 100)}: ${JSON.stringify(told).slice(0, 200)}`;
      assert.equal(told.status, status, shown);
      if (description) assert.match(String(told.body.description), description, shown);
    }
    assert.equal((await ask(`${api.url}/bot1:wrong/getMe`, {})).status, 401);
  });

  it("gives an update until it is confirmed, and to one who asks at a time", async (t) => {
    const api = await openBotApi(t);
    const address = `${api.url}/bot${api.world.bot.token}/getUpdates`;
    api.world.said(api.world.dm("42"), "42", { text: "a" });
    const first = await ask(address, {});
    assert.deepEqual(await ask(address, {}), first);
    const [update] = first.body.result;
    const waiting = ask(address, { offset: update.update_id + 1, timeout: 20 });
    const other = ask(address, { offset: update.update_id + 1, timeout: 20 });
    assert.equal((await Promise.race([waiting, other])).status, 409);
    api.world.said(api.world.dm("42"), "42", { text: "b" });
    const given = (await Promise.all([waiting, other])).find(({ status }) => status === 200);
    assert.equal(given?.body.result[0].message.text, "b");
  });
});

// oxlint-disable-next-line typescript/no-explicit-any -- a test looks at whatever is answered
async function ask(address: string, given: object): Promise<{ status: number; body: any }> {
  const response = await fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(given),
  });
  return { status: response.status, body: await response.json() };
}
