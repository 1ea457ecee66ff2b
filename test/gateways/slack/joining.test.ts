import assert from "node:assert/strict";
import { test } from "node:test";

import { tokens } from "../../support/platforms/slack/api-server.ts";
import { openSlackSocket } from "../../support/platforms/slack/open.ts";
import { until } from "../../support/until.ts";
import { acknowledge, acknowledged, ask, drive, startProgram } from "./driven-slack.ts";

test("it says who it is and what it can do, and ends when it is asked to", async (t) => {
  const { platform, program } = await drive(t);
  const ready = await program.heard("ready");
  assert.deepEqual(ready.capabilities, ["media", "edit", "delete", "reply", "inline_keyboard", "threads", "ack"]);
  program.send({ type: "ping", request_id: "p" });
  assert.equal((await program.heard("pong", { request_id: "p" })).connected, true);
  program.send({ type: "shutdown" });
  assert.equal(await program.exited, 0);
  assert.equal(platform.socket?.connections, 0);
  assert.deepEqual(platform.violations, []);
});

test("tokens come from the environment where the configuration has none", async (t) => {
  const platform = await openSlackSocket(t);
  const env = { SLACK_BOT_TOKEN: tokens.bot, SLACK_APP_TOKEN: tokens.app };
  const program = startProgram(t, { api_root: platform.gateway.config["api_root"] }, env);
  await program.heard("ready");
});

test("a token that Slack refuses ends it, and is not shown", async (t) => {
  const platform = await openSlackSocket(t);
  const wrong = [
    [{ bot_token: "xoxb-wrong-token" }, /refuses the bot token .*SLACK_BOT_TOKEN.*invalid_auth/],
    [{ app_token: "xapp-wrong-token" }, /refuses the app token .*SLACK_APP_TOKEN.*invalid_auth/],
  ] as const;
  await Promise.all(
    wrong.map(async ([config, message]) => {
      const program = startProgram(t, { ...platform.gateway.config, ...config });
      const error = await program.heard("error", { fatal: true });
      assert.equal(error.code, "unauthorized");
      assert.match(error.message, message);
      assert.equal(await program.exited, 1);
      assert.doesNotMatch(JSON.stringify(program.events) + program.log, /wrong-token/);
    }),
  );
});

test("connections that Slack renews or that break are made anew, and nothing is lost between them", async (t) => {
  const { platform, program } = await drive(t);
  const chat = platform.dm("U1");
  platform.socket?.requestRefresh();
  await until("another connection", () => platform.socket?.connections === 1);
  assert.equal(platform.socket?.sockets, 2, "it does not wait for the end of the one before");
  const first = await chat.say("U1", "after a refresh");
  acknowledge(program, await program.heard("message_received", { message_id: first }));
  await acknowledged(platform, first);

  platform.dropConnections();
  const second = await chat.say("U1", "after a break");
  acknowledge(program, await program.heard("message_received", { message_id: second }));
  await acknowledged(platform, second);
  assert.deepEqual(platform.violations, []);
});

test("while Slack is away it says so, and joins again by itself", async (t) => {
  const { platform, program } = await drive(t);
  const chat = platform.dm("U1");
  platform.setReachable(false);
  await until("it notices", () => program.log.includes("connection to Slack failed"));
  assert.match((await program.heard("error", { code: "not_connected" })).message, /^Slack is not reached/);
  program.send({ type: "ping", request_id: "away" });
  assert.equal((await program.heard("pong", { request_id: "away" })).connected, false);
  const answer = await ask(program, { type: "send_message", chat_id: chat.id, content: "x" });
  assert.equal(answer.type === "command_error" && answer.code, "not_connected");
  const said = chat.say("U1", "are you there?");
  platform.setReachable(true);
  acknowledge(program, await program.heard("message_received", { message_id: await said }));
  assert.equal((await ask(program, { type: "send_message", chat_id: chat.id, content: "yes" })).type, "command_ok");
});

test("a Slack that is away at the start is waited for", async (t) => {
  const platform = await openSlackSocket(t);
  platform.setReachable(false);
  const program = startProgram(t, platform.gateway.config);
  await until("it notices", () => program.log.includes("Slack is not reached"));
  platform.setReachable(true);
  await program.heard("ready");
});
