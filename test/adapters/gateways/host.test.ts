import assert from "node:assert/strict";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";

import { entry, message, openHost } from "./host-harness.ts";
import { until } from "../../support/until.ts";

const send = (content: string, id = "r1", chat = "c1") =>
  ({ type: "send_message", request_id: id, chat_id: chat, content }) as const;

test("a program is started, told who it is, and becomes ready", async (t) => {
  const ground = await openHost(t, [entry("well-behaved.mjs")]);
  assert.equal(ground.status().state, "starting");
  assert.equal(ground.host.isReady("chat"), false);
  const status = await ground.becomes("ready");
  assert.equal(ground.host.isReady("chat"), true);
  assert.deepEqual(status.program, { gateway: "well-behaved", version: "1.0.0" });
  assert.deepEqual(status.capabilities, ["ack", "inline_keyboard"]);
  assert.deepEqual(
    ground.host.list().map(({ name }) => name),
    ["chat"],
  );
  await until("connected is known", () => ground.status().connected === true);
  assert.deepEqual(
    ground.changes.map(({ state, connected }) => [state, connected]),
    [
      ["ready", null],
      ["ready", true],
    ],
  );
});

test("events come in their order, checked, and without what is not known of them", async (t) => {
  const events = [
    message("1"),
    { ...message("2"), surprise: 1 },
    { type: "news" },
    { type: "message_received" },
    message("3"),
  ];
  const ground = await openHost(t, [entry("well-behaved.mjs", { config: { events } })]);
  await until("all are there", () => ground.events.length === 3);
  assert.deepEqual(
    ground.events.map(({ gateway, event }) => [gateway, "message_id" in event && event.message_id]),
    [
      ["chat", "1"],
      ["chat", "2"],
      ["chat", "3"],
    ],
  );
  assert.equal("surprise" in (ground.events[1]?.event ?? {}), false);
  assert.equal(ground.counted("duragent_gateway_skipped_lines_total", { why: "invalid" }), 1);
  assert.equal(ground.counted("duragent_gateway_skipped_lines_total", { why: "unknown_type" }), 1);
  assert.match(ground.status().lastInboundAt ?? "", /^\d{4}-/);
});

test("a command is answered; the same one asked twice at once is one command", async (t) => {
  const ground = await openHost(t, [entry("well-behaved.mjs")]);
  await ground.becomes("ready");
  const both = await Promise.all([ground.host.ask("chat", send("hi")), ground.host.ask("chat", send("hi"))]);
  assert.deepEqual(both, [
    { kind: "ok", messageId: "m1" },
    { kind: "ok", messageId: "m1" },
  ]);
  assert.deepEqual(await ground.host.ask("chat", send("flood control")), {
    kind: "error",
    code: "rate_limited",
    detail: "slowly",
    retryAfterMs: 1_500,
  });
  assert.equal(ground.status().queue.unanswered, 0);
});

test("what a program gets: its folders, a minimal environment, and no secret in its arguments", async (t) => {
  const env = { HTTPS_PROXY: "http://proxy:1", OPENAI_API_KEY: "of the server", TELEGRAM_BOT_TOKEN: "another's" };
  const gateway = entry("well-behaved.mjs", {
    args: ["--one"],
    env: { OWN: "own" },
    config: { bot_token: "t0ken-t0ken" },
  });
  const ground = await openHost(t, [gateway], { env });
  await ground.becomes("ready");
  const answer = await ground.host.ask("chat", send("environment"));
  assert.equal(answer.kind, "error");
  const about = JSON.parse(answer.kind === "error" ? answer.detail : "");
  assert.deepEqual(about.argv, ["--one"]);
  assert.equal(about.cwd, ground.folder);
  const own = join(ground.folder, "data/gateways/chat");
  assert.equal(about.dataDir, join(own, "state"));
  assert.equal((await stat(about.dataDir)).mode & 0o777, 0o700);
  assert.equal((await stat(own)).mode & 0o777, 0o700);
  const { PATH: _, DURAGENT_GATEWAY_START: mark, ...rest } = about.env;
  assert.equal(typeof mark, "string");
  assert.deepEqual(rest, { HTTPS_PROXY: "http://proxy:1", OWN: "own" });
  assert.equal(about.cmdline.includes("t0ken"), false);
});

test("stopping leaves nothing, and nothing is started again", async (t) => {
  const ground = await openHost(t, [entry("well-behaved.mjs", { restart: "always" })]);
  const { pid = 0 } = await ground.becomes("ready");
  await ground.host.stop();
  assert.throws(() => process.kill(-pid, 0), /ESRCH/);
  assert.equal(ground.status().state, "stopped");
  assert.deepEqual(await ground.host.ask("chat", send("hi")), {
    kind: "unanswered",
    why: "not_ready",
    detail: "the gateway chat is stopped",
  });
});

for (const first of ["message", "pressed"]) {
  test(`a program that never says ready counts as ready with its first ${first}, and is sent text`, async (t) => {
    const ground = await openHost(t, [entry("odd.mjs", { args: ["never-says-ready", first] })]);
    const { capabilities, program } = await ground.becomes("ready");
    assert.deepEqual([capabilities, program], [[], undefined]);
    await until("what it said is there", () => ground.events.length === 1);
    assert.deepEqual(await ground.host.ask("chat", send("hi")), { kind: "ok", messageId: "m1" });
    const changes = ground.changes.length;
    await ground.host.ask("chat", send("say ready", "r2"));
    assert.deepEqual(ground.status().capabilities, ["edit"]);
    assert.equal(ground.changes.length, changes + 1);
  });
}

test("a program that knows only the older messages works", async (t) => {
  const ground = await openHost(t, [entry("odd.mjs", { args: ["is-older"], env: { BOT_TOKEN: "t" } })]);
  assert.deepEqual((await ground.becomes("ready")).capabilities, ["edit", "typing"]);
  await until("its message is there", () => ground.events.length === 1);
  assert.equal(ground.host.tell("chat", { type: "send_typing", chat_id: "c1", duration: 5 }), true);
  assert.deepEqual(await ground.host.ask("chat", send("hi")), { kind: "ok", messageId: "m1" });
  await ground.host.stop();
  assert.equal(ground.status().state, "stopped");
});
