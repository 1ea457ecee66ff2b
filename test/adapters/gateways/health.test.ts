import assert from "node:assert/strict";
import { test } from "node:test";

import { until } from "../../support/until.ts";
import { createVirtualClock, type VirtualClock } from "../../support/virtual-clock.ts";
import { entry, openHost, type Ground } from "./host-harness.ts";

const odd = (manner: string, env: Record<string, string> = {}) => entry("odd.mjs", { args: [manner], env });
const pongs = (ground: Ground): number => ground.counted("duragent_gateway_events_total", { type: "pong" });

/** Lets half minutes pass, each until its ping has been answered. */
async function answeredHalfMinutes(ground: Ground, clock: VirtualClock, count: number): Promise<void> {
  // Answered after all that was asked before: none of those is taken for the answer to a later one.
  await ground.host.ping("chat");
  for (let at = 0; at < count; at += 1) {
    const before = pongs(ground);
    clock.advance(30_000);
    await until("the ping is answered", () => pongs(ground) > before || ground.status().state !== "ready");
  }
}

test("a program that answers its pings lives on", async (t) => {
  const clock = createVirtualClock();
  const ground = await openHost(t, [entry("well-behaved.mjs")], { clock });
  const { pid } = await ground.becomes("ready");
  await answeredHalfMinutes(ground, clock, 10);
  assert.equal(ground.status().pid, pid);
});

test("a program that answered pings and misses three in a row is restarted", async (t) => {
  const clock = createVirtualClock({ random: 0 });
  const ground = await openHost(t, [odd("falls-silent")], { clock });
  await ground.becomes("ready");
  await until("it has answered one", () => ground.status().connected === true);
  for (let at = 0; at < 4; at += 1) clock.advance(30_000);
  await until("it has ended", () => ground.status().lastError !== undefined);
  assert.equal(ground.status().lastError, "it has not answered 3 pings in a row");
  clock.advance(1_000);
  await ground.becomes("ready");
  assert.equal(ground.status().restarts, 1);
});

test("a program that knows no pings but says something lives on in silence", async (t) => {
  const clock = createVirtualClock();
  const ground = await openHost(t, [odd("is-older", { BOT_TOKEN: "t" })], { clock });
  const { pid } = await ground.becomes("ready");
  for (let at = 0; at < 100; at += 1) clock.advance(30_000);
  const asked = await ground.host.ask("chat", { type: "send_message", request_id: "r", chat_id: "c", content: "x" });
  assert.deepEqual(asked, { kind: "ok", messageId: "m1" });
  assert.equal(ground.status().pid, pid);
  assert.equal(ground.status().connected, null);
});

test("a program that never says anything is started again, but is not given up for it", async (t) => {
  const clock = createVirtualClock({ random: 0 });
  const ground = await openHost(t, [odd("says-nothing")], { clock });
  for (let run = 0; run < 6; run += 1) {
    await until("it runs", () => ground.status().pid !== undefined);
    for (let at = 0; at < 4; at += 1) clock.advance(30_000);
    await until("it has ended", () => ground.status().pid === undefined);
    assert.equal(ground.status().lastError, "it has not answered 3 pings in a row");
    clock.advance(60_000);
  }
  assert.notEqual(ground.status().state, "failed");
});

test("a program that does not reach its platform for two minutes is restarted, however often, and not given up", async (t) => {
  const clock = createVirtualClock({ random: 0 });
  const ground = await openHost(t, [odd("is-cut-off")], { clock });
  for (let run = 1; run <= 6; run += 1) {
    await ground.becomes("ready");
    await until("it has said so", () => ground.status().connected === false);
    await answeredHalfMinutes(ground, clock, 4);
    await until("it has ended", () => ground.status().pid === undefined);
    assert.match(ground.status().lastError ?? "", /^it has not reached its platform for 1\d\d s$/);
    clock.advance(60_000);
    await until("it runs again", () => ground.status().restarts === run);
  }
});

test("asked whether it reaches its platform a program answers, or is said to be silent", async (t) => {
  const clock = createVirtualClock();
  const silent = entry("odd.mjs", { name: "silent", args: ["says-nothing"] });
  const ground = await openHost(t, [entry("well-behaved.mjs"), silent], { clock });
  await ground.becomes("ready");
  assert.deepEqual(await ground.host.ping("chat"), { kind: "pong", connected: true, tookMs: 0 });
  await until("the other runs", () => ground.status("silent").pid !== undefined);
  const asked = ground.host.ping("silent");
  await new Promise(setImmediate);
  clock.advance(10_000);
  assert.deepEqual(await asked, { kind: "silent", detail: "it has not answered within 10 s" });
  await assert.rejects(ground.host.ping("none"), { code: "not-found" });
});

const sends = (ground: Ground, content: string) =>
  ground.host.ask("chat", { type: "send_message", request_id: content, chat_id: "c", content });

test("a program that has not said ready for 30 s is warned of once, and its status says what is missing", async (t) => {
  const clock = createVirtualClock();
  const ground = await openHost(t, [odd("says-nothing")], { clock });
  await until("it runs", () => ground.status().pid !== undefined);
  const warned = () => ground.log.filter(({ message }) => message.startsWith("gateway is not ready"));
  clock.advance(29_999);
  assert.deepEqual([ground.status().lastError, warned().length], [undefined, 0]);
  clock.advance(1);
  assert.match(ground.status().lastError ?? "", /^it has not said ready for 30 s: a gateway prints {"type":"ready"/);
  clock.advance(30_000);
  assert.deepEqual(
    warned().map(({ level }) => level),
    ["warn"],
  );
});

test("one that has said ready in time, or says that it does not reach its platform, is not warned of", async (t) => {
  const clock = createVirtualClock();
  const ground = await openHost(t, [entry("well-behaved.mjs")], { clock });
  await ground.becomes("ready");
  const away = await openHost(t, [entry("odd.mjs", { args: ["is-cut-off", "unready"] })], { clock });
  await until("it runs", () => away.status().pid !== undefined);
  await away.host.ping("chat");
  clock.advance(30_000);
  assert.deepEqual([ground.status().lastError, away.status().lastError], [undefined, undefined]);
});

test("what a program reports last is its error until it reaches its platform again", async (t) => {
  const clock = createVirtualClock();
  const ground = await openHost(t, [odd("reports-errors")], { clock });
  await ground.becomes("ready");
  await sends(ground, "cut off");
  await sends(ground, "first");
  await sends(ground, "second");
  await until("it is asked at once", () => ground.status().connected === false);
  assert.equal(ground.status().lastError, "second: oh");
  await sends(ground, "reached");
  clock.advance(30_000);
  await until("it is connected", () => ground.status().connected === true);
  assert.equal(ground.status().lastError, undefined);
  assert.equal(ground.status().state, "ready");
});

test("what a program reports is forgotten when it is ready anew, and told where it is restarted for it", async (t) => {
  const clock = createVirtualClock();
  const ground = await openHost(t, [odd("reports-errors")], { clock });
  await ground.becomes("ready");
  await sends(ground, "cut off");
  await sends(ground, "first");
  await sends(ground, "ready");
  assert.equal(ground.status().lastError, undefined);
  await sends(ground, "conflict");
  await until("it is asked at once", () => ground.status().connected === false);
  await answeredHalfMinutes(ground, clock, 5);
  await until("it has ended", () => ground.status().pid === undefined);
  assert.match(ground.status().lastError ?? "", /^it has not reached its platform for 1\d\d s: conflict: oh$/);
});
