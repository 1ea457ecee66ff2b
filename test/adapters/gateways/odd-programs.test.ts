import assert from "node:assert/strict";
import { test } from "node:test";

import { until } from "../../support/until.ts";
import { createVirtualClock } from "../../support/virtual-clock.ts";
import { entry, openHost, processesWith } from "./host-harness.ts";

const odd = (manner: string, ...args: string[]) => entry("odd.mjs", { args: [manner, ...args] });
const send = (id: string, content = "x") => ({ type: "send_message", request_id: id, chat_id: "c", content }) as const;
/** A number that no other process has in its command line, and that `sleep` takes. */
const rareNumber = (): string => `7${String(process.pid).padStart(8, "0")}${Math.floor(Math.random() * 1e6)}`;

test("a flood is read no faster than 1,000 lines a second, and 64 events of it are handled at once", async (t) => {
  const clock = createVirtualClock();
  const handled: (() => void)[] = [];
  const ground = await openHost(t, [odd("floods", "100000"), entry("well-behaved.mjs", { name: "other" })], {
    clock,
    received: () => new Promise((resolve) => handled.push(resolve)),
  });
  const taken = (): number => ground.counted("duragent_gateway_events_total", { gateway: "chat" });
  await until("a second's worth is read", () => taken() === 1_000);
  await ground.becomes("ready", "other");
  assert.equal(taken(), 1_000);
  assert.equal(ground.events.length, 64);
  clock.advance(1_000);
  await until("as much as is kept is read", () => ground.status().queue.inbound === 1_064);
  clock.advance(1_000);
  await ground.host.ask("other", send("r1"));
  assert.equal(ground.status().queue.inbound, 1_064);
  assert.equal(ground.counted("duragent_gateway_skipped_lines_total"), 0);
  for (const resolve of handled.splice(0)) resolve();
  await until("the next are handled", () => ground.events.length === 128);
});

for (const { chats, more, atOnce, perSecond } of [
  { chats: "one chat", more: [], atOnce: 196, perSecond: 25 },
  { chats: "new chats", more: ["each"], atOnce: 40, perSecond: 5 },
])
  test(`of a flood in ${chats} ${atOnce} events are handled at once, and then ${perSecond} a second`, async (t) => {
    const clock = createVirtualClock();
    const ground = await openHost(t, [odd("floods", "100000", ...more)], { clock });
    const taken = (): number => ground.counted("duragent_gateway_events_total", { gateway: "chat" });
    await until("a second's worth is read", () => taken() === 1_000);
    assert.equal(ground.events.length, atOnce);
    clock.advance(1_000);
    await until("some more are handled", () => ground.events.length >= atOnce + perSecond);
    assert.equal(ground.events.length, atOnce + perSecond);
  });

test("handlers that wait for an answer of their own gateway get it while more events wait", async (t) => {
  let answers = 0;
  const ground = await openHost(t, [odd("floods", "400")], {
    async received(event) {
      const answer = await ground.host.ask("chat", send("message_id" in event ? (event.message_id ?? "") : ""));
      if (answer.kind === "ok") answers += 1;
    },
  });
  await until("all are answered", () => answers === 400);
});

test("what is no event is skipped and counted, and of each kind the first is logged", async (t) => {
  const ground = await openHost(t, [odd("says-nonsense")]);
  await until("the message after it is there", () => ground.events.length === 1);
  const skipped = (why: string): number => ground.counted("duragent_gateway_skipped_lines_total", { why });
  assert.deepEqual(
    ["blank", "no_json", "no_object", "unknown_type", "invalid"].map((why) => [why, skipped(why)]),
    [
      ["blank", 2],
      ["no_json", 3],
      ["no_object", 2],
      ["unknown_type", 2],
      ["invalid", 2],
    ],
  );
  const logged = ground.log.filter(({ message }) => message.includes("left out"));
  assert.deepEqual(
    logged.map(({ level, message }) => [level, /"why":"(\w+)"/.exec(message)?.[1]]),
    [
      ["warn", "no_json"],
      ["warn", "no_object"],
      ["info", "unknown_type"],
      ["warn", "invalid"],
    ],
  );
  assert.match(ground.log.find(({ message }) => message.includes("reports an error"))?.message ?? "", /\ufffd\ufffd/);
});

test("commands to a program that does not read are refused at once beyond a bound, and end with it", async (t) => {
  const ground = await openHost(t, [odd("never-reads")]);
  await ground.becomes("ready");
  const waiting = Array.from({ length: 60 }, (_, at) => ground.host.ask("chat", send(`r${at}`, "x".repeat(100_000))));
  assert.ok(ground.status().queue.unanswered < 50, String(ground.status().queue.unanswered));
  const refused = await Promise.race(waiting);
  assert.equal(refused.kind === "unanswered" && refused.why, "not_reading");
  assert.equal(ground.host.tell("chat", { type: "send_typing", chat_id: "c".repeat(500_000), duration: 5 }), false);
  assert.equal(ground.host.tell("chat", { type: "ack", chat_id: "c", message_id: "m" }), true);
  process.kill(ground.status().pid ?? 0, "SIGKILL");
  const why = (await Promise.all(waiting)).map((answer) => (answer.kind === "unanswered" ? answer.why : answer.kind));
  assert.deepEqual([...new Set(why)].toSorted(), ["ended", "not_reading"]);
  await until("its end is told", () => ground.status().lastError === "it was ended by SIGKILL");
  assert.deepEqual(ground.status().capabilities, ["ack"]);
});

test("at most 1,000 lines wait for a program that does not read", async (t) => {
  const clock = createVirtualClock();
  const ground = await openHost(t, [odd("never-reads")], { clock });
  await ground.becomes("ready");
  // More than the pipe holds, so that all that follow wait.
  void ground.host.ask("chat", send("large", "x".repeat(900_000)));
  for (let at = 0; at < 2_000; at += 1) ground.host.tell("chat", { type: "send_typing", chat_id: "c", duration: 5 });
  assert.equal(ground.status().queue.outbound, 1_000);
});

test("an answer that comes too late is nobody's, and the same id may be asked again", async (t) => {
  const clock = createVirtualClock();
  const ground = await openHost(t, [odd("answers-late")], { clock });
  await ground.becomes("ready");
  const late = ground.host.ask("chat", send("late"));
  clock.advance(60_000);
  const answer = await late;
  assert.deepEqual(answer, { kind: "unanswered", why: "timeout", detail: "it has not answered within 60 s" });
  assert.equal((await ground.host.ask("chat", send("r2", "now"))).kind, "ok");
  assert.equal(ground.counted("duragent_gateway_skipped_lines_total", { why: "unasked" }), 1);
  assert.equal((await ground.host.ask("chat", send("late", "now"))).kind, "ok");
});

test("a command that is longer than a line is refused, and nothing of it is sent", async (t) => {
  const ground = await openHost(t, [entry("well-behaved.mjs")]);
  await ground.becomes("ready");
  const answer = await ground.host.ask("chat", send("r", "x".repeat(1_100_000)));
  assert.equal(answer.kind === "error" && answer.code, "invalid_request");
  assert.deepEqual(await ground.host.ask("chat", send("r2")), { kind: "ok", messageId: "m1" });
});

test("a program that says everything twice is taken at its first word", async (t) => {
  const ground = await openHost(t, [odd("says-all-twice")]);
  await ground.becomes("ready");
  assert.deepEqual(await ground.host.ask("chat", send("r1")), { kind: "ok", messageId: "m1" });
  await until("connected is known", () => ground.status().connected === true);
  await until("the rest is there", () => ground.counted("duragent_gateway_skipped_lines_total") === 3);
  assert.equal(ground.changes.filter(({ connected }) => connected === null).length, 1);
});

test("a flood on stderr stops nobody, is bounded in the log, and moves no cursor", async (t) => {
  const clock = createVirtualClock();
  const noisy = entry("odd.mjs", { args: ["talks-on-stderr"], env: { BOT_TOKEN: "very-secret-token" } });
  const ground = await openHost(t, [noisy], { clock });
  const said = () => ground.log.filter(({ message }) => message.startsWith("gateway says"));
  await until("some is logged", () => said().length >= 50);
  await until("it is ready", () => {
    clock.advance(100);
    return ground.status().state === "ready";
  });
  const lines = said();
  assert.equal(lines[0]?.message, 'gateway says {"line":"␛[31mred␇ ***"}');
  assert.equal(lines[0]?.level, "info");
  const leftOut = ground.log.filter(({ message }) => message.includes("were left out"));
  assert.ok(leftOut.length > 0 && lines.length <= 50 * (leftOut.length + 1), `${lines.length} lines`);
});

test("a program that can not be heard any more is ended and started again", async (t) => {
  const clock = createVirtualClock();
  const ground = await openHost(t, [odd("closes-stdout")], { clock });
  // Not for long: what it has been shows, what it is may have passed.
  const wasReady = () => ground.changes.filter(({ state }) => state === "ready");
  await until("it was ready", () => wasReady().length === 1);
  await until("that is noticed", () => !ground.host.isReady("chat"));
  clock.advance(10_000);
  clock.advance(5_000);
  await until("it is ended", () => ground.status().lastError === "it closed its stdout, and did not end");
  clock.advance(1_000);
  await until("it is started again", () => wasReady().length === 2);
  const [first, second] = wasReady();
  assert.notEqual(second?.pid, first?.pid);
});

test("what a program leaves behind in its group ends with it", async (t) => {
  const number = rareNumber();
  const ground = await openHost(t, [{ ...odd("leaves-a-grandchild", number), restart: "never" }]);
  assert.equal((await ground.becomes("stopped")).lastError, "it ended with exit code 6");
  assert.deepEqual(await processesWith(number), []);
});

test("what left the group and holds the pipes does not hide the end of the program", async (t) => {
  const number = rareNumber();
  const ground = await openHost(t, [{ ...odd("leaves-a-grandchild", number, "elsewhere"), restart: "never" }]);
  assert.equal((await ground.becomes("stopped")).lastError, "it ended with exit code 6");
  for (const pid of await processesWith(number)) process.kill(pid, "SIGKILL");
});

test("a program that hangs on shutdown is killed with its group, 7 s later, and not started again", async (t) => {
  const clock = createVirtualClock();
  const number = rareNumber();
  const hangs = { ...odd("hangs-on-shutdown", number), restart: "always" as const };
  const ground = await openHost(t, [hangs, entry("well-behaved.mjs", { name: "other" })], { clock });
  await Promise.all([ground.becomes("ready"), ground.becomes("ready", "other")]);
  assert.equal((await processesWith(number)).length, 2);
  let isStopped = false;
  const stopped = ground.host.stop().then(() => (isStopped = true));
  await until("the other has ended", () => ground.status("other").pid === undefined);
  clock.advance(5_000);
  clock.advance(1_999);
  await processesWith(number);
  assert.equal(isStopped, false);
  clock.advance(1);
  await until("all have ended", () => isStopped);
  await stopped;
  assert.deepEqual(await processesWith(number), []);
  clock.advance(120_000);
  await new Promise(setImmediate);
  assert.equal(ground.status().state, "stopped");
  assert.deepEqual(await processesWith(number), []);
});
