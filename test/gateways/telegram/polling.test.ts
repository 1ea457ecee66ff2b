import assert from "node:assert/strict";
import { describe, it } from "node:test";

import { readConfig } from "../../../gateways/telegram/src/config.ts";
import { openBotApi } from "../../support/platforms/telegram/open.ts";
import { until } from "../../support/until.ts";
import { drive, startProgram } from "./driven-telegram.ts";

describe("the Telegram gateway's long poll", () => {
  it("hands over one update after the other and confirms none before the core has it", async (t) => {
    const { platform: api, program } = await drive(t, ({ world: waiting }) => {
      for (const text of ["one", "two"]) waiting.said(waiting.dm("42"), "42", { text });
    });
    const { world } = api;
    await program.heard("message_received", { message_id: "1" });
    program.send({ type: "ping", request_id: "p" });
    await program.heard("pong", { request_id: "p" });
    assert.equal(program.of("message_received").length, 1);
    assert.equal(world.updates.length, 2);

    program.send({ type: "ack", chat_id: "42", message_id: "1" });
    await program.heard("message_received", { message_id: "2" });
    assert.equal(world.updates.length, 2, "half of what came was confirmed");
    program.send({ type: "ack", chat_id: "42", message_id: "2" });
    await until("both are confirmed", () => world.updates.length === 0);
  });

  it("is told again after a kill of what the core did not have", async (t) => {
    const driven = await drive(t);
    const chat = driven.platform.world.dm("42");
    driven.platform.world.said(chat, "42", { text: "one" });
    await driven.program.heard("message_received", { message_id: "1" });
    const next = await driven.again();
    await next.heard("message_received", { message_id: "1" });
  });

  it("confirms what the core has when it is told to end", async (t) => {
    const { platform: api, program } = await drive(t);
    const chat = api.world.dm("42");
    api.world.said(chat, "42", { text: "one" });
    await program.heard("message_received");
    program.send({ type: "ack", chat_id: "42", message_id: "1" }, { type: "shutdown" });
    assert.equal(await program.exited, 0);
    assert.equal(api.world.updates.length, 0);
  });

  it("goes on after its connections were cut, and says meanwhile that it is not connected", async (t) => {
    const { platform: api, program } = await drive(t);
    api.isReachable = false;
    api.dropConnections();
    await until("it has noticed", () => program.log.includes("could not be asked for"));
    assert.equal((await program.heard("error")).code, "not_connected");
    program.send({ type: "ping", request_id: "p1" });
    assert.equal((await program.heard("pong", { request_id: "p1" })).connected, false);
    api.isReachable = true;
    api.world.said(api.world.dm("42"), "42", { text: "one" });
    await program.heard("message_received");
    program.send({ type: "ping", request_id: "p2" });
    assert.equal((await program.heard("pong", { request_id: "p2" })).connected, true);
    assert.ok(!program.log.includes(api.world.bot.token));
  });

  it("says so when another program asks for the same bot's updates", async (t) => {
    const { platform: api, program } = await drive(t);
    const other = await fetch(`${api.url}/bot${api.world.bot.token}/getUpdates`, { method: "POST", body: "{}" });
    assert.equal(other.status, 200);
    assert.match((await program.heard("error")).message, /another program asks Telegram/);
    api.world.said(api.world.dm("42"), "42", { text: "one" });
    await program.heard("message_received");
  });

  it("passes over an update that it can not read, and says so", async (t) => {
    const { platform: api, program } = await drive(t, ({ world }) => {
      world.update("message", { message_id: 1, text: "no chat", from: { id: 1, is_bot: false } });
      world.said(world.dm("42"), "42", { text: "after it" });
    });
    const heard = await program.heard("message_received");
    assert.deepEqual(heard.content, { type: "text", text: "after it" });
    assert.match(program.log, /update 100000 could not be read and is passed over/);
    program.send({ type: "ack", chat_id: "42", message_id: heard.message_id });
    await until("both are confirmed", () => api.world.updates.length === 0);
  });

  it("removes a webhook and keeps what waits for it", async (t) => {
    const { platform: api, program } = await drive(t, ({ world }) => {
      world.webhook = "https://example.com/hook";
      world.said(world.dm("42"), "42", { text: "waiting" });
    });
    await program.heard("message_received");
    assert.equal(api.world.webhook, "");
  });
});

describe("how the Telegram gateway starts", () => {
  it("waits for a Telegram that is not there yet", async (t) => {
    const api = await openBotApi(t);
    api.isReachable = false;
    const program = startProgram(t, { bot_token: api.world.bot.token, api_root: api.url });
    await until("it has tried", () => program.log.includes("tried again"));
    assert.equal((await program.heard("error")).code, "not_connected");
    program.send({ type: "ping", request_id: "p" });
    assert.equal((await program.heard("pong")).connected, false);
    api.isReachable = true;
    await program.heard("ready");
  });

  it("ends with what to do where Telegram refuses the token", async (t) => {
    const api = await openBotApi(t);
    const program = startProgram(t, { bot_token: "1:wrong", api_root: api.url });
    const error = await program.heard("error");
    assert.equal(error.code, "unauthorized");
    assert.equal(error.fatal, true);
    assert.match(error.message, /bot_token or TELEGRAM_BOT_TOKEN/);
    assert.equal(await program.exited, 1);
  });

  it("takes the token from the environment", async (t) => {
    const api = await openBotApi(t);
    const env = { TELEGRAM_BOT_TOKEN: api.world.bot.token };
    const program = startProgram(t, { api_root: `${api.url}/` }, env);
    assert.deepEqual((await program.heard("ready")).capabilities.includes("ack"), true);
  });

  const wrong: readonly (readonly [string, object, RegExp])[] = [
    ["without a token", {}, /@BotFather.*bot_token.*TELEGRAM_BOT_TOKEN/],
    [
      "with an unknown key",
      { bot_token: "1:a", tokn: "x" },
      /unknown key tokn.*bot_token, api_root, poll_timeout_seconds/,
    ],
    ["with a root that is no address", { bot_token: "1:a", api_root: "nowhere" }, /api_root is no http or https/],
    ["with a token that is no text", { bot_token: 1 }, /bot_token .* must be text/],
    ["with an endless poll", { bot_token: "1:a", poll_timeout_seconds: 1e9 }, /whole number from 0 to 50/],
  ];
  for (const [name, config, message] of wrong) {
    it(`refuses to start ${name}`, () => {
      assert.throws(() => readConfig({ ...config }, {}), message);
    });
  }
});
