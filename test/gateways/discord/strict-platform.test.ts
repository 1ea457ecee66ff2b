import assert from "node:assert/strict";
import test from "node:test";

import WebSocket from "ws";

import { openDiscordPlatform, type DiscordPlatform } from "../../support/platforms/discord/open.ts";

const button = { type: 2, style: 1, label: "ok", custom_id: "a" };
const row = (...components: object[]): object => ({ type: 1, components });

const refused: [what: string, body: object, code: number][] = [
  ["no text", {}, 50_006],
  ["blank text", { content: " \n" }, 50_006],
  ["a text of 2,001 characters", { content: "é".repeat(2_001) }, 50_035],
  ["a long nonce", { content: "a", nonce: "n".repeat(26) }, 50_035],
  ["an unknown kind of mention", { content: "a", allowed_mentions: { parse: ["all"] } }, 50_035],
  ["users twice", { content: "a", allowed_mentions: { parse: ["users"], users: ["1"] } }, 50_035],
  ["six rows", { content: "a", components: Array.from({ length: 6 }, () => row(button)) }, 50_035],
  ["an empty row", { content: "a", components: [row()] }, 50_035],
  ["six buttons in a row", { content: "a", components: [row(...Array.from({ length: 6 }, () => button))] }, 50_035],
  ["one id twice", { content: "a", components: [row(button, button)] }, 50_035],
  ["a long id", { content: "a", components: [row({ ...button, custom_id: "i".repeat(101) })] }, 50_035],
  ["a long label", { content: "a", components: [row({ ...button, label: "l".repeat(81) })] }, 50_035],
  ["a reply to nothing", { content: "a", message_reference: { message_id: "1" } }, 50_035],
];

async function post(
  platform: DiscordPlatform,
  path: string,
  body: object,
  token = platform.world.token,
): Promise<{ status: number; code: unknown }> {
  const response = await fetch(`${platform.apiRoot}/v10${path}`, {
    method: "POST",
    headers: { authorization: `Bot ${token}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, code: text === "" ? undefined : JSON.parse(text).code };
}

test("Discord on this machine refuses what Discord refuses, and says so", async (t) => {
  const platform = await openDiscordPlatform(t);
  const chat = platform.dm("1");
  const messages = `/channels/${chat.id}/messages`;
  for (const [what, body, code] of refused)
    assert.deepEqual([what, await post(platform, messages, body)], [what, { status: 400, code }]);
  assert.equal(platform.violations.length, refused.length);
  assert.deepEqual(await post(platform, messages, { content: "a" }, "wrong"), { status: 401, code: 0 });
  assert.deepEqual(await post(platform, "/channels/5/messages", { content: "a" }), { status: 404, code: 10_003 });
  assert.deepEqual(await post(platform, "/nowhere", {}), { status: 404, code: 0 });
  assert.deepEqual(chat.messages(), []);
  assert.equal((await post(platform, messages, { content: "é".repeat(2_000) })).status, 200);
});

test("Discord on this machine takes one answer to a press, within 3 s", async (t) => {
  const platform = await openDiscordPlatform(t);
  const followedUp: string[] = [];
  const press = (id: string, agoMs: number): void => {
    const atMs = performance.now() - agoMs;
    platform.world.interactions.set(id, { id, token: `t${id}`, atMs, followedUp: (text) => followedUp.push(text) });
  };
  const answer = (id: string, token: string): ReturnType<typeof post> =>
    post(platform, `/interactions/${id}/${token}/callback`, { type: 6 });
  press("1", 0);
  press("2", 3_100);
  const follow = { content: "only you", flags: 64 };
  const webhook = `/webhooks/${platform.world.applicationId}/t1`;
  assert.deepEqual(await post(platform, webhook, follow), { status: 404, code: 10_015 });
  assert.deepEqual(await answer("1", "other"), { status: 404, code: 10_062 });
  assert.deepEqual(await answer("1", "t1"), { status: 204, code: undefined });
  assert.deepEqual(await answer("1", "t1"), { status: 400, code: 40_060 });
  assert.deepEqual(await answer("2", "t2"), { status: 404, code: 10_062 });
  assert.equal((await post(platform, webhook, follow)).status, 200);
  assert.deepEqual(followedUp, ["only you"]);
});

test("Discord on this machine closes a websocket that does not begin as it should", async (t) => {
  const platform = await openDiscordPlatform(t);
  const closed = (query: string, ...messages: (object | string)[]): Promise<number> =>
    new Promise((resolve) => {
      const socket = new WebSocket(`${platform.websocket.url()}/${query}`);
      socket.on("open", () => {
        for (const message of messages) socket.send(typeof message === "string" ? message : JSON.stringify(message));
      });
      socket.on("close", resolve);
    });
  const identify = { op: 2, d: { token: platform.world.token, intents: 512, properties: {} } };
  const version = "?v=10&encoding=json";
  assert.equal(await closed("?v=6"), 4012);
  assert.equal(await closed(version, "{"), 4002);
  assert.equal(await closed(version, { op: 99 }), 4001);
  assert.equal(await closed(version, { op: 3 }), 4003);
  assert.equal(await closed(version, { ...identify, d: { ...identify.d, token: "x" } }), 4004);
  assert.equal(await closed(version, { ...identify, d: { ...identify.d, intents: 2 ** 40 } }), 4013);
  assert.equal(await closed(version, identify, identify), 4005);
});
