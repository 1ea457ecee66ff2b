import assert from "node:assert/strict";
import { test } from "node:test";

import { createVirtualClock } from "../../support/virtual-clock.ts";
import { until } from "../../support/until.ts";
import { entry, openHost } from "./host-harness.ts";

const odd = (manner: string, more: Parameters<typeof entry>[1] = {}) =>
  entry("odd.mjs", { ...more, args: [manner, ...(more.args ?? [])] });

for (const [manner, code] of [
  ["crashes-before-ready", 3],
  ["crashes-after-ready", 4],
] as const) {
  test(`a program that ${manner} is started five times and is failed then, until somebody restarts it`, async (t) => {
    const clock = createVirtualClock({ sleepsPass: true, random: 0 });
    const ground = await openHost(t, [odd(manner)], { clock });
    const failed = await ground.becomes("failed");
    assert.equal(failed.restarts, 4);
    assert.equal(failed.lastError, `it ended with exit code ${code}`);
    assert.deepEqual(clock.slept, [1_000, 2_000, 4_000, 8_000]);
    assert.equal(ground.counted("duragent_gateway_restarts_total"), 4);
    await ground.host.restart("chat");
    await until("it has failed again", () => ground.status().state === "failed" && ground.status().restarts === 9);
  });
}

test("others are undisturbed by a program that crashes over and over", async (t) => {
  const clock = createVirtualClock({ sleepsPass: true });
  const other = entry("well-behaved.mjs", { name: "other" });
  const ground = await openHost(t, [odd("crashes-after-ready"), other], { clock });
  await Promise.all([ground.becomes("failed"), ground.becomes("ready", "other")]);
  assert.equal(ground.status("other").restarts, 0);
  assert.equal(
    (await ground.host.ask("other", { type: "send_message", request_id: "r", chat_id: "c", content: "x" })).kind,
    "ok",
  );
});

test("a clean end is not followed by a start, unless restart is always", async (t) => {
  const clock = createVirtualClock({ sleepsPass: true });
  const ground = await openHost(t, [odd("ends-well"), odd("ends-well", { name: "again", restart: "always" })], {
    clock,
  });
  const stopped = await ground.becomes("stopped");
  assert.equal(stopped.lastError, "it ended by itself");
  assert.equal(stopped.restarts, 0);
  assert.equal((await ground.becomes("failed", "again")).restarts, 4);
});

test("what a program said last tells why it ended", async (t) => {
  const ground = await openHost(t, [odd("says-why", { restart: "never" })]);
  assert.equal((await ground.becomes("stopped")).lastError, "it ended with exit code 5: the disk is full of sardines");
});

test("a program that reports a fatal error is ended where it does not end, and its token is in no status and no log", async (t) => {
  const clock = createVirtualClock();
  const ground = await openHost(t, [odd("is-refused", { restart: "never", env: { BOT_TOKEN: "very-secret-token" } })], {
    clock,
  });
  await until("the error is logged", () => ground.log.some(({ message }) => message.includes("fatal")));
  clock.advance(10_000);
  clock.advance(5_000);
  const { lastError } = await ground.becomes("stopped");
  assert.equal(lastError, "unauthorized: token *** was refused");
  assert.equal(JSON.stringify(ground.log).includes("very-secret-token"), false);
});

test("a program that takes its leave is ended by itself, and started again as its exit code says", async (t) => {
  const clock = createVirtualClock();
  const ground = await openHost(
    t,
    [odd("takes-leave", { args: ["0"] }), odd("takes-leave", { name: "ill", args: ["1"] })],
    { clock },
  );
  assert.equal((await ground.becomes("stopped")).lastError, "it ended by itself: the moon is full");
  await until("the other has ended", () => ground.status("ill").lastError === "it ended with exit code 1");
  assert.equal(ground.status("ill").state, "waiting");
});

test("one that says that it ends and stays is ended", async (t) => {
  const clock = createVirtualClock();
  const ground = await openHost(t, [odd("takes-leave", { args: ["stays"] })], { clock });
  await until("it has said so", () => ground.counted("duragent_gateway_events_total", { type: "shutdown" }) === 1);
  assert.equal(ground.host.isReady("chat"), false);
  clock.advance(10_000);
  clock.advance(5_000);
  await until("it is ended", () => ground.status().lastError === "it said that it ends, and did not end");
});

test("restart ends the program and starts another", async (t) => {
  const ground = await openHost(t, [entry("well-behaved.mjs")]);
  const before = await ground.becomes("ready");
  const after = await ground.host.restart("chat");
  assert.notEqual(after.pid, before.pid);
  assert.equal(after.restarts, 1);
  assert.throws(() => process.kill(before.pid ?? 0, 0), /ESRCH/);
  await ground.becomes("ready");
  await assert.rejects(ground.host.restart("chatt"), /no gateway "chatt".*chat/);
});

test("a server that stops in the pause before a start starts nothing more", async (t) => {
  const clock = createVirtualClock();
  const ground = await openHost(t, [odd("crashes-after-ready")], { clock });
  await until("the pause has begun", () => clock.slept.length === 1);
  await ground.host.stop();
  clock.advance(60_000);
  await new Promise(setImmediate);
  assert.deepEqual([ground.status().state, ground.status().restarts], ["stopped", 0]);
});

test("a program that is not there fails with what was looked for and where, and others go on", async (t) => {
  const missing = [
    entry("", { name: "path", command: "no-such-gateway" }),
    entry("", { name: "file", command: "./gateways/none" }),
    entry("well-behaved.mjs", { name: "other" }),
  ];
  const ground = await openHost(t, missing);
  assert.match(
    (await ground.becomes("failed", "path")).lastError ?? "",
    /^install no-such-gateway, or .*: it is not on PATH \(/,
  );
  const file = (await ground.becomes("failed", "file")).lastError ?? "";
  assert.equal(file.includes(`${ground.folder}/gateways/none is not there`), true, file);
  await ground.becomes("ready", "other");
});

test("a server that starts none says so", async (t) => {
  const ground = await openHost(t, [entry("well-behaved.mjs")], { off: true });
  assert.equal(ground.status().state, "off");
  assert.equal(ground.host.isReady("chat"), false);
  assert.equal((await ground.host.restart("chat")).state, "off");
  assert.deepEqual(await ground.host.ping("chat"), { kind: "silent", detail: "it is off" });
});

test("a program that speaks another version of the protocol is warned of, and works", async (t) => {
  const warned = async (version: string): Promise<number> => {
    const ground = await openHost(t, [odd("is-of-version", { args: [version] })]);
    await ground.becomes("ready");
    return ground.log.filter(({ message }) => message.includes("another version")).length;
  };
  const all = await Promise.all(["v2", "v1beta3", "v1alpha1", "2.0.0"].map(warned));
  assert.deepEqual(all, [1, 0, 0, 0]);
});

test("who has to let a program in is told once in the log, and always in its status", async (t) => {
  const clock = createVirtualClock();
  const ground = await openHost(t, [odd("needs-to-be-let-in")], { clock });
  await until("the second code is there", () => JSON.stringify(ground.status().auth ?? "").includes("two"));
  assert.equal(ground.log.filter(({ message }) => message.includes("let it in")).length, 1);
  clock.advance(30_000);
  await ground.becomes("ready");
  assert.equal(ground.status().auth, undefined);
});
