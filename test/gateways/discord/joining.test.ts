import assert from "node:assert/strict";
import test from "node:test";

import { readConfig } from "../../../gateways/discord/src/config.ts";
import { openDiscordPlatform } from "../../support/platforms/discord/open.ts";
import { until } from "../../support/until.ts";
import { drive, startProgram } from "./driven-discord.ts";

const ann = "100200300400500600";

test("says ready once the websocket is, with what it can do", async (t) => {
  const { platform, program } = await drive(t);
  const ready = await program.heard("ready");
  assert.equal(ready.gateway, "discord");
  assert.deepEqual([...ready.capabilities].toSorted(), [
    "ack",
    "delete",
    "edit",
    "inline_keyboard",
    "media",
    "reply",
    "threads",
    "typing",
  ]);
  assert.deepEqual(platform.websocket.starts, ["identify"]);
  program.send({ type: "ping", request_id: "p1" });
  const pong = await program.heard("pong", { request_id: "p1" });
  assert.equal(pong.connected, true);
  assert.deepEqual(platform.violations, []);
});

test("ends without a token and says where to put it", async (t) => {
  const program = startProgram(t, {});
  const error = await program.heard("error", { fatal: true });
  assert.match(error.message, /config\.bot_token .* DISCORD_BOT_TOKEN/);
  assert.equal(await program.exited, 1);
});

const refusedConfigs: [what: string, config: Record<string, unknown>, said: RegExp][] = [
  ["a key that it does not know", { bot_tokn: "x" }, /bot_tokn\. Known are bot_token, token, api_root/],
  ["a token that is no text", { bot_token: 5 }, /config\.bot_token .* must be text/],
  ["an address that is none", { token: "x", api_root: "discord" }, /api_root .* must be an http/],
];
for (const [what, config, said] of refusedConfigs) {
  test(`refuses ${what} and says what to write`, () => {
    assert.throws(() => readConfig({ config, env: {} }), said);
  });
}

test("takes a token also as examples write it, the configuration before the environment", () => {
  const read = (config: Record<string, unknown>): string => readConfig({ config, env: { DISCORD_TOKEN: "env" } }).token;
  assert.deepEqual([read({ bot_token: "Bot a\n" }), read({ token: "b" }), read({ bot_token: "" })], ["a", "b", "env"]);
});

test("ends when the API refuses the token, which it never repeats", async (t) => {
  const platform = await openDiscordPlatform(t);
  const program = startProgram(t, { bot_token: "wrong-canary-token", api_root: platform.apiRoot });
  const error = await program.heard("error", { fatal: true });
  assert.equal(error.code, "unauthorized");
  assert.match(error.message, /config\.bot_token/);
  assert.equal(await program.exited, 1);
  assert.doesNotMatch(program.log + JSON.stringify(program.events), /canary/);
});

test("ends when the websocket refuses the token", async (t) => {
  const { platform, program } = await drive(t);
  platform.websocket.closeAll(4004);
  const error = await program.heard("error", { fatal: true });
  assert.equal(error.code, "unauthorized");
  assert.equal(await program.exited, 1);
});

test("says what to switch on when the bot may not read messages", async (t) => {
  const platform = await openDiscordPlatform(t);
  platform.websocket.disallowedIntents = 1 << 15;
  const program = startProgram(t, platform.gateway.config);
  const error = await program.heard("error", { fatal: true });
  assert.match(error.message, /Message Content Intent/);
  assert.equal(await program.exited, 1);
});

test("waits for a platform that is away, and answers pings meanwhile; its token is from the environment", async (t) => {
  const platform = await openDiscordPlatform(t);
  platform.setReachable(false);
  const program = startProgram(t, { api_root: platform.apiRoot }, { DISCORD_TOKEN: platform.world.token });
  program.send({ type: "ping", request_id: "p1" });
  const pong = await program.heard("pong", { request_id: "p1" });
  assert.equal(pong.connected, false);
  await until("it has tried", () => program.log.includes("tried again"));
  assert.match((await program.heard("error", { code: "not_connected" })).message, /^Discord is not reached/);
  platform.setReachable(true);
  await program.heard("ready");
});

test("resumes a connection that was cut and loses nothing that was said meanwhile", async (t) => {
  const { platform, program } = await drive(t);
  const chat = platform.dm("100200300");
  await chat.say("100200300", "before");
  platform.setReachable(false);
  await until("it noticed", () => program.log.includes("was closed"));
  await chat.say("100200300", "while it is away");
  program.send({ type: "ping", request_id: "away" });
  assert.equal((await program.heard("pong", { request_id: "away" })).connected, false);
  // More than one try fails: the library alone would begin anew, and what was said be lost.
  await until("it has tried", () => platform.refusals > 2);
  platform.setReachable(true);
  await until("all is said", () => program.of("message_received").length === 2);
  const said = program.of("message_received").map(({ content }) => content);
  assert.deepEqual(said, [
    { type: "text", text: "before" },
    { type: "text", text: "while it is away" },
  ]);
  assert.deepEqual(platform.websocket.starts, ["identify", "resume"]);
});

test("hears after its end what the core did not have, and what was said meanwhile", async (t) => {
  const driven = await drive(t);
  const { platform, program } = driven;
  const group = platform.group("Team", [ann]);
  const [guild] = platform.world.guilds.values();
  const away = async (text: string): Promise<void> => {
    platform.setReachable(false);
    await group.say(ann, text);
    platform.setReachable(true);
  };
  const texts = (of: typeof program): unknown[] =>
    of.of("message_received").map(({ content }) => content.type === "text" && content.text);

  const durable = await group.say(ann, "this the core has");
  await program.heard("message_received", { message_id: durable });
  program.send({ type: "ack", chat_id: group.id, message_id: durable });
  await program.heard("message_received", { message_id: await group.say(ann, "this it has not") });
  program.send({ type: "shutdown" });
  assert.equal(await program.exited, 0);
  const second = await driven.again(() => away(`<@&${guild?.roleId}> this was said meanwhile`));
  await until("both", () => second.of("message_received").length === 2);
  assert.deepEqual(texts(second), ["this it has not", "this was said meanwhile"]);
  // Its own role is known although the websocket did not tell it again.
  assert.equal(second.of("message_received")[1]?.mentions_bot, true);

  const third = await driven.again(() => away("and this after a kill"));
  await until("it too", () => texts(third).includes("and this after a kill"));
  assert.deepEqual(platform.websocket.starts, ["identify", "resume", "resume"]);
});

test("begins anew where Discord has not kept what was said", async (t) => {
  const driven = await drive(t);
  driven.program.send({ type: "shutdown" });
  await driven.program.exited;
  await driven.again(() => driven.platform.websocket.invalidate());
  assert.deepEqual(driven.platform.websocket.starts, ["identify", "resume", "identify"]);
});

test("comes again when Discord asks it to", async (t) => {
  const { platform, program } = await drive(t);
  platform.websocket.askToReconnect();
  const chat = platform.dm(ann);
  const id = await chat.say(ann, "still there?");
  await program.heard("message_received", { message_id: id });
  await until("it resumed", () => platform.websocket.starts.length === 2);
  assert.deepEqual(platform.websocket.starts, ["identify", "resume"]);
});

test("keeps its connection alive with heartbeats", async (t) => {
  const { platform, program } = await drive(t, ({ websocket }) => {
    websocket.heartbeatMs = 300;
  });
  await until("some heartbeats", () => platform.websocket.heartbeats > 2);
  program.send({ type: "shutdown" });
  await program.heard("shutdown");
  assert.equal(await program.exited, 0);
});
