import assert from "node:assert/strict";
import test from "node:test";

import { DiscordAPIError, HTTPError } from "@discordjs/rest";

import { platformFailure } from "../../../gateways/discord/src/platform-failure.ts";

const url = "https://discord.com/api/v10/webhooks/1/canary-interaction-token";
const refusal = (code: number, status: number): DiscordAPIError =>
  new DiscordAPIError({ code, message: "no" }, code, status, "POST", url, { body: {}, files: [] });

const failures: [what: string, error: unknown, code: string][] = [
  ["an unknown channel", refusal(10_003, 404), "chat_not_found"],
  ["an unknown message", refusal(10_008, 404), "message_not_found"],
  ["a channel that it may not see", refusal(50_001, 403), "chat_not_found"],
  ["a user who takes no messages", refusal(50_007, 403), "chat_not_found"],
  ["a missing permission", refusal(50_013, 403), "unauthorized"],
  ["a refused token", refusal(0, 401), "unauthorized"],
  ["a malformed request", refusal(50_035, 400), "invalid_request"],
  ["a failure of Discord", new HTTPError(502, "Bad Gateway", "POST", url, { body: {}, files: [] }), "platform_error"],
  ["a cut connection", new Error("read ECONNRESET"), "not_connected"],
  ["no answer in time", Object.assign(new Error("aborted"), { name: "AbortError" }), "not_connected"],
];
for (const [what, error, code] of failures) {
  test(`tells the core of ${what}: ${code}, without the address`, () => {
    const failure = platformFailure(error);
    assert.equal(failure.code, code);
    assert.doesNotMatch(failure.message, /canary/);
  });
}
