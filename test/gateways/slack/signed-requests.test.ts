import assert from "node:assert/strict";
import { test } from "node:test";

import { isSigned } from "../../../gateways/slack/src/signature.ts";
import { signed } from "../../support/platforms/slack/http-delivery.ts";
import { openSlackHttp } from "../../support/platforms/slack/open.ts";
import { acknowledge, drive, wholeFile } from "./driven-slack.ts";

const { platform, program } = await drive(wholeFile, openSlackHttp);
const json = "application/json";

async function send(
  body: string,
  headers: Record<string, string> = signed(body),
  type = json,
): Promise<{ status: number; text: string }> {
  const response = await fetch(platform.appUrl ?? "", {
    method: "POST",
    headers: { "content-type": type, ...headers },
    body,
  });
  return { status: response.status, text: await response.text() };
}

function event(text: string): string {
  const message = { type: "message", channel: "D1", channel_type: "im", user: "U1", ts: "1.000001", text };
  return JSON.stringify({ type: "event_callback", event: message });
}

test("only what Slack has signed, and lately, is taken", async () => {
  const now = Math.floor(Date.now() / 1_000);
  const body = event("forged");
  const forged = [
    {},
    { "x-slack-signature": signed(body)["x-slack-signature"] ?? "" },
    signed(body, { secret: "another secret" }),
    signed(event("another body")),
    signed(body, { seconds: now - 301 }),
    signed(body, { seconds: now + 400 }),
    { ...signed(body), "x-slack-request-timestamp": String(now - 1) },
    { ...signed(body), "x-slack-request-timestamp": "NaN" },
    { ...signed(body), "x-slack-signature": "v0=" },
    { ...signed(body), "x-slack-signature": `v1=${signed(body)["x-slack-signature"]?.slice(3)}` },
  ];
  for (const headers of forged) assert.equal((await send(body, headers)).status, 401, JSON.stringify(headers));
  const taken = send(event("signed"));
  const heard = await program.heard("message_received");
  assert.equal(heard.content.type === "text" && heard.content.text, "signed");
  acknowledge(program, heard);
  assert.deepEqual(await taken, { status: 200, text: "" });
  assert.equal(program.of("message_received").length, 1);
});

test("a signature is good for five minutes and for one body", () => {
  const body = Buffer.from("text");
  const nowMs = 1_700_000_000_000;
  const at = (seconds: number) => {
    const headers = signed("text", { secret: "s", seconds });
    const [timestamp, signature] = [headers["x-slack-request-timestamp"], headers["x-slack-signature"]];
    return isSigned({ secret: "s", timestamp, signature, body, nowMs });
  };
  assert.equal(at(1_700_000_000), true);
  assert.equal(at(1_700_000_000 - 300), true);
  assert.equal(at(1_700_000_000 - 301), false);
  assert.equal(at(1_700_000_000 + 301), false);
});

test("the address is confirmed when the app is set up", async () => {
  const body = JSON.stringify({ type: "url_verification", token: "t", challenge: "say this" });
  assert.deepEqual(await send(body), { status: 200, text: "say this" });
  assert.equal((await send(body, {})).status, 401);
});

test("what is too long, no POST, or no JSON is refused, and the gateway goes on", async () => {
  const long = "x".repeat(1024 * 1024 + 1);
  assert.equal((await send(long)).status, 413);
  assert.equal((await fetch(platform.appUrl ?? "")).status, 405);
  assert.equal((await send("{")).status, 400);
  assert.equal((await send("payload=%7B", signed("payload=%7B"), "application/x-www-form-urlencoded")).status, 400);
  assert.equal((await send('{"type":"event_callback","event":{"type":"app_uninstalled"}}')).status, 200);
  assert.equal((await send("[]")).status, 200);
});

test("a request that comes again while the core has not taken the first waits with it", async () => {
  const body = JSON.stringify({
    type: "event_callback",
    event: { type: "message", channel: "D2", channel_type: "im", user: "U1", ts: "2.000001", text: "again" },
  });
  const retry = { ...signed(body), "x-slack-retry-num": "1", "x-slack-retry-reason": "http_timeout" };
  const sent = [send(body), send(body, retry)];
  acknowledge(program, await program.heard("message_received", { chat_id: "D2" }));
  assert.deepEqual(await Promise.all(sent), [
    { status: 200, text: "" },
    { status: 200, text: "" },
  ]);
  assert.equal(program.of("message_received").filter(({ chat_id }) => chat_id === "D2").length, 1);
});
