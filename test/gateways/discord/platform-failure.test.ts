import assert from "node:assert/strict";
import test from "node:test";

import { platformFailure } from "../../../gateways/discord/src/platform-failure.ts";
import { drive, together } from "./driven-discord.ts";

const ann = "100200300400500600";
const refusals: [what: string, status: number, code: number, said: string][] = [
  ["a channel that it may not see", 403, 50_001, "chat_not_found"],
  ["a user who takes no messages", 403, 50_007, "chat_not_found"],
  ["a missing permission", 403, 50_013, "unauthorized"],
  ["an upload that is too large", 413, 40_005, "invalid_request"],
  ["a failure of Discord", 500, 0, "platform_error"],
  ["a Discord that is away", 503, 0, "not_connected"],
  ["a Discord that Cloudflare does not reach", 522, 0, "not_connected"],
];
const cases = together("tells the core why a message was not sent");
for (const [what, status, code, said] of refusals) {
  cases(`of ${what}: ${said}`, async ({ platform, program }) => {
    const chat = platform.dm(ann);
    platform.refuseNext(status, code);
    program.send({ type: "send_message", request_id: what, chat_id: chat.id, content: "a" });
    assert.equal((await program.heard("command_error", { request_id: what })).code, said);
    program.send({ type: "send_message", request_id: what, chat_id: chat.id, content: "a" });
    await program.heard("command_ok", { request_id: what });
  });
}

test("ends when the token is refused in the middle, so that it is read again", async (t) => {
  const { platform, program } = await drive(t);
  platform.refuseNext(401, 0);
  program.send({ type: "send_message", request_id: "r", chat_id: platform.dm(ann).id, content: "a" });
  assert.equal((await program.heard("error", { fatal: true })).code, "unauthorized");
  assert.equal(await program.exited, 1);
});

test("calls what never reached Discord not connected", () => {
  const late = Object.assign(new Error("This operation was aborted"), { name: "AbortError" });
  for (const error of [new Error("read ECONNRESET"), late]) assert.equal(platformFailure(error).code, "not_connected");
});
