import assert from "node:assert/strict";
import { test } from "node:test";

import { CommandFailure } from "@duragent/gateway-protocol";

import { readSettings } from "../../../gateways/slack/src/settings.ts";

const bot = { bot_token: "xoxb-1" };

test("with an app token it is socket mode, with an address signed requests", () => {
  assert.deepEqual(readSettings({ ...bot, app_token: "xapp-1" }, {}), {
    botToken: "xoxb-1",
    apiRoot: "https://slack.com/api/",
    inbound: { mode: "socket", appToken: "xapp-1" },
  });
  const http = { http: { port: 3000 }, api_root: "http://localhost:1/api" };
  assert.deepEqual(readSettings({ ...bot, ...http }, { SLACK_SIGNING_SECRET: "s" }), {
    botToken: "xoxb-1",
    apiRoot: "http://localhost:1/api/",
    inbound: { mode: "http", signingSecret: "s", host: "127.0.0.1", port: 3000 },
  });
});

test("what is missing or wrong is said, with where to put what", () => {
  const cases = [
    [{}, "unauthorized", /bot token \(xoxb-.*config\.bot_token.*SLACK_BOT_TOKEN/],
    [bot, "unauthorized", /app token \(xapp-.*config\.app_token.*SLACK_APP_TOKEN/],
    [{ ...bot, http: { port: 1 } }, "unauthorized", /signing secret.*config\.signing_secret.*SLACK_SIGNING_SECRET/],
    [{ bot_token: "xoxp-secret", app_token: "xapp-1" }, "unauthorized", /bot_token does not begin with xoxb-/],
    [{ ...bot, app_token: "xoxb-secret" }, "unauthorized", /app_token does not begin with xapp-/],
    [{ ...bot, app_tokn: "x" }, "invalid_request", /unknown key app_tokn: known are bot_token, app_token, .*http/],
    [{ ...bot, http: { port: 1, path: "/x" } }, "invalid_request", /unknown key path: known in http are host, port/],
    [{ ...bot, http: { port: "x" } }, "invalid_request", /config\.http\.port/],
    [{ ...bot, api_root: "ftp://x" }, "invalid_request", /config\.api_root/],
  ] as const;
  for (const [config, code, message] of cases) {
    assert.throws(
      () => readSettings(config, {}),
      (error) =>
        error instanceof CommandFailure &&
        error.code === code &&
        message.test(error.message) &&
        !error.message.includes("secret-") &&
        !/xox[bp]-secret/.test(error.message),
      JSON.stringify(config),
    );
  }
});
