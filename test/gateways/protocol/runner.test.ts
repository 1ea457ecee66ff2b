import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test, type TestContext } from "node:test";

import { lineBytesMax } from "@duragent/gateway-protocol";

import { temporaryFolder } from "../../support/temporary-folder.ts";
import { until } from "../../support/until.ts";
import { GatewayProgram } from "./gateway-program.ts";

const program = join(import.meta.dirname, "programs", "echo-gateway.ts");
const token = "123456:VERY-SECRET";

type Started = GatewayProgram & { platform(): string[] };

/** An echo gateway in `folder`; `config: null` sends no `initialize`, as an older core would. */
function start(context: TestContext, folder: string, config: Record<string, unknown> | null = {}): Started {
  const platform = join(folder, "platform");
  const gateway = new GatewayProgram([process.execPath, program], { PLATFORM: platform, ECHO_TOKEN: token });
  context.after(() => gateway.child.kill("SIGKILL"));
  if (config) gateway.send({ type: "initialize", protocol: "v1alpha1", name: "mine", config, data_dir: folder });
  return Object.assign(gateway, { platform: () => linesIn(platform) });
}

function linesIn(path: string): string[] {
  try {
    return readFileSync(path, "utf8").split("\n").filter(Boolean);
  } catch {
    // Nothing was written yet.
    return [];
  }
}

const say = (request_id: string, content: string, chat_id = "c") => ({
  type: "send_message",
  request_id,
  chat_id,
  content,
});

suite("a gateway's program", { concurrency: 6 }, () => {
  test("a gateway is ready, answers pings before and after, and says what it is", async (context) => {
    const gateway = start(context, await temporaryFolder(context), { start: "never" });
    gateway.send({ type: "ping", request_id: "early" });
    assert.equal((await gateway.heard("pong", { request_id: "early" })).connected, false);

    const ready = start(context, await temporaryFolder(context), { bot_token: token });
    assert.deepEqual(await ready.heard("ready"), {
      type: "ready",
      gateway: "echo",
      version: "1.2.3",
      capabilities: ["ack", "typing", "edit"],
    });
    ready.send({ type: "ping", request_id: "late" });
    const pong = await ready.heard("pong", { request_id: "late" });
    assert.deepEqual([pong.connected, pong.last_inbound_at], [true, "2026-01-02T03:04:05Z"]);
    assert.match(ready.log, /named mine, token \[hidden\]/);
  });

  test("without initialize, from an older core, the environment configures it", async (context) => {
    const gateway = start(context, await temporaryFolder(context), null);
    await gateway.heard("ready");
    gateway.send(say("r", "hello"));
    assert.deepEqual(await gateway.heard("command_ok"), { type: "command_ok", request_id: "r", message_id: "m0" });
    assert.match(gateway.log, /no initialize came.*\n.*named echo, token \[hidden\]/);
  });

  test("each request is answered: done, failed with the platform's reason, or not known here", async (context) => {
    const gateway = start(context, await temporaryFolder(context), { bot_token: token });
    await gateway.heard("ready");
    gateway.send(
      say("ok", "a\nb"),
      say("limited", "!limited"),
      say("thrown", "!throw"),
      { type: "edit_message", request_id: "edit", chat_id: "c", message_id: "m1", content: "x" },
      { type: "delete_message", request_id: "delete", chat_id: "c", message_id: "m1" },
    );
    assert.equal((await gateway.heard("command_ok", { request_id: "ok" })).message_id, "m1");
    assert.equal((await gateway.heard("command_ok", { request_id: "edit" })).message_id, "m1");
    await gateway.heard("command_error", { request_id: "delete" });
    assert.deepEqual(
      gateway.of("command_error").map(({ type: _, ...error }) => error),
      [
        { request_id: "limited", code: "rate_limited", message: "slowly", retry_after: 7 },
        {
          request_id: "thrown",
          code: "platform_error",
          message: "the platform at https://x/bot[hidden]/send is not there",
        },
        { request_id: "delete", code: "invalid_request", message: "this gateway does not know delete_message" },
      ],
    );
  });

  test("requests of a chat are carried out in their order, other chats beside them", async (context) => {
    const gateway = start(context, await temporaryFolder(context));
    await gateway.heard("ready");
    gateway.send(say("a1", "!slow", "a"), say("a2", "second", "a"), say("b1", "other", "b"));
    await gateway.heard("command_ok", { request_id: "a2" });
    assert.deepEqual(
      gateway.of("command_ok").map(({ request_id }) => request_id),
      ["b1", "a1", "a2"],
    );
    assert.deepEqual(gateway.platform(), ["b\tother", "a\t!slow", "a\tsecond"]);
  });

  test("a request that comes twice is carried out once: at once, later, and after a kill", async (context) => {
    const folder = await temporaryFolder(context);
    const gateway = start(context, folder);
    await gateway.heard("ready");
    gateway.send(say("twice", "!slow"), say("twice", "!slow"));
    await until("both answers", () => gateway.of("command_ok").length === 2);
    gateway.send(say("twice", "!slow"));
    await until("the third answer", () => gateway.of("command_ok").length === 3);
    gateway.child.kill("SIGKILL");
    await gateway.exited;

    const next = start(context, folder);
    await next.heard("ready");
    next.send(say("twice", "!slow"));
    assert.equal((await next.heard("command_ok")).message_id, "m0");
    assert.deepEqual(next.platform(), ["c\t!slow"]);
  });

  test("also one that leaves no parts behind is carried out once", async (context) => {
    const gateway = start(context, await temporaryFolder(context));
    await gateway.heard("ready");
    const edit = { type: "edit_message", request_id: "edit", chat_id: "c", message_id: "m1", content: "x" };
    gateway.send(edit);
    await gateway.heard("command_ok");
    gateway.send(edit);
    await until("both answers", () => gateway.of("command_ok").length === 2);
    assert.deepEqual(gateway.platform(), ["c\tedit x"]);
  });

  test("also one that waits for none of its chat, while it is being carried out", async (context) => {
    const gateway = start(context, await temporaryFolder(context));
    await gateway.heard("ready");
    const press = { type: "answer_callback_query", request_id: "press", chat_id: "c", callback_query_id: "p1" };
    gateway.send(press, press);
    await until("both answers", () => gateway.of("command_ok").length === 2);
    assert.deepEqual(gateway.platform(), ["answered p1"]);
  });

  test("one that failed is carried out again, from the part that failed on", async (context) => {
    const gateway = start(context, await temporaryFolder(context));
    await gateway.heard("ready");
    gateway.send(say("r", "one\n!limited\nthree"));
    await gateway.heard("command_error");
    gateway.send(say("r", "one\ntwo\nthree"));
    assert.equal((await gateway.heard("command_ok")).message_id, "m2");
    assert.deepEqual(gateway.platform(), ["c\tone", "c\ttwo", "c\tthree"]);
  });

  test("killed between two parts it goes on with the next, also past a torn line on disk", async (context) => {
    const folder = await temporaryFolder(context);
    const gateway = start(context, folder);
    await gateway.heard("ready");
    gateway.send(say("r", "one\n!print\n!hang"));
    await until("two parts", () => gateway.platform().length === 2);
    await until("remembered", async () => (await readFile(join(folder, "sent.jsonl"), "utf8")).includes("m1"));
    gateway.child.kill("SIGKILL");
    await gateway.exited;
    assert.deepEqual(gateway.strayLines, []);
    assert.match(gateway.log, /printed by a library/);
    await appendFile(join(folder, "sent.jsonl"), '{"request_id":"r","parts":["m2"');

    const next = start(context, folder);
    await next.heard("ready");
    next.send(say("r", "one\n!print\nthree"), say("s", "after"));
    await next.heard("command_ok", { request_id: "s" });
    assert.deepEqual(next.platform(), ["c\tone", "c\t!print", "c\tthree", "c\tafter"]);
    next.child.kill("SIGKILL");
    await next.exited;

    const third = start(context, folder);
    await third.heard("ready");
    third.send(say("s", "after"), say("t", "last"));
    await third.heard("command_ok", { request_id: "t" });
    assert.deepEqual(third.platform().slice(3), ["c\tafter", "c\tlast"]);
  });

  test("the newest 1,000 requests are remembered, in a file that does not grow for ever", async (context) => {
    const folder = await temporaryFolder(context);
    await writeFile(
      join(folder, "sent.jsonl"),
      Array.from({ length: 1_200 }, (_, index) => `{"request_id":"old${index}","done":true}\n`).join(""),
    );
    const gateway = start(context, folder);
    await gateway.heard("ready");
    for (let index = 0; index < 2_500; index += 1) gateway.send(say(`r${index}`, "x", `chat${index % 50}`));
    await until("all answers", () => gateway.of("command_ok").length + gateway.of("command_error").length === 2_500);
    const limited = gateway.of("command_error");
    assert.deepEqual(
      [...new Set(limited.map(({ code, retry_after }) => `${code} ${retry_after}`))],
      limited.length > 0 ? ["rate_limited 1"] : [],
    );
    const lines = (await readFile(join(folder, "sent.jsonl"), "utf8")).split("\n").length;
    assert.ok(lines <= 4_001, `${lines} lines`);
    const sent = gateway.platform().length;
    gateway.send(say("old1199", "again"), say(gateway.of("command_ok").at(-1)?.request_id ?? "", "again", "z"));
    await gateway.heard("command_ok", { request_id: "old1199" });
    await until("answered", () => gateway.of("command_ok").length === 2_500 - limited.length + 2);
    assert.equal(gateway.platform().length, sent + 1, "the old one was forgotten, the new one was not");
  });

  test("a message is handed over until the core acknowledges it, or the gateway ends", async (context) => {
    const gateway = start(context, await temporaryFolder(context), { deliver: 3 });
    await until("three messages", () => gateway.of("message_received").length === 3);
    assert.equal(gateway.events[0]?.["type"], "ready");
    gateway.send(
      { type: "ack", chat_id: "elsewhere", message_id: "in0" },
      { type: "ack", chat_id: "c", message_id: "in1" },
    );
    await until("in1 is durable", () => gateway.log.includes("durable in1"));
    gateway.send({ type: "shutdown" });
    assert.equal(await gateway.exited, 0);
    assert.equal(gateway.log.includes("durable in0"), false);
    assert.match(gateway.log, /undelivered in0: the gateway is ending\nundelivered in2/);
  });

  test("a refused token is a fatal error and exit code 1, and stands nowhere", async (context) => {
    const gateway = start(context, await temporaryFolder(context), { platform: "refusing", bot_token: token });
    const error = await gateway.heard("error");
    assert.deepEqual([error.code, error.fatal, error.message], ["unauthorized", true, "refused: [hidden]"]);
    assert.equal(await gateway.exited, 1);
    assert.equal((gateway.log + JSON.stringify(gateway.events)).includes(token), false);
  });

  test("a failure that nobody caught, and a fatal error, end it with what was wrong", async (context) => {
    const crashed = start(context, await temporaryFolder(context));
    const fatal = start(context, await temporaryFolder(context));
    for (const gateway of [crashed, fatal]) await gateway.heard("ready");
    crashed.send(say("r", "!crash\n!hang"));
    fatal.send(say("r", "!fatal"));
    assert.equal((await crashed.heard("error")).message, "boom [hidden]");
    assert.equal((await fatal.heard("error")).message, "it is over");
    assert.deepEqual([await crashed.exited, await fatal.exited], [1, 1]);
  });

  test("shutdown, the end of stdin and SIGTERM end it with 0, after what is on its way", async (context) => {
    const ways: ((gateway: GatewayProgram) => void)[] = [
      (gateway) => gateway.send({ type: "shutdown" }),
      (gateway) => gateway.child.stdin?.end(),
      (gateway) => gateway.child.kill("SIGTERM"),
    ];
    for (const end of ways) {
      const gateway = start(context, await temporaryFolder(context));
      await gateway.heard("ready");
      gateway.send(say("r", "!slow"), { type: "ping", request_id: "p" });
      await gateway.heard("pong");
      end(gateway);
      assert.equal(await gateway.exited, 0);
      assert.equal(gateway.of("command_ok").length, 1);
      assert.equal(gateway.events.at(-1)?.["type"], "shutdown");
      assert.deepEqual(gateway.platform(), ["c\t!slow", "stopped"]);
    }
  });

  test("a gateway that can not stop, or has not started, ends all the same", async (context) => {
    const holding = start(context, await temporaryFolder(context), { stop: "never" });
    const starting = start(context, await temporaryFolder(context), { start: "never" });
    await holding.heard("ready");
    holding.send({ type: "shutdown" });
    starting.send({ type: "shutdown" });
    assert.deepEqual([await holding.exited, await starting.exited], [0, 0]);
  });

  test("lines that are wrong are logged and skipped, what is unknown is ignored", async (context) => {
    const gateway = start(context, await temporaryFolder(context));
    await gateway.heard("ready");
    gateway.raw("no json\n[]\n\n   \n\xff\xfe\n");
    gateway.raw(`{"type":"ping","request_id":"${"x".repeat(lineBytesMax)}"}\n`);
    gateway.send({ type: "paint", request_id: "p" }, { type: "send_message", request_id: "bad", chat_id: 7 });
    gateway.send({ ...say("r", "fine"), since: "tomorrow" });
    await gateway.heard("command_ok", { request_id: "r" });
    assert.equal((await gateway.heard("command_error")).request_id, "bad");
    assert.equal(gateway.of("command_error").length, 1);
    assert.match(
      gateway.log,
      /it is no JSON\n.*no object with a "type"\n.*no JSON\na line of more than 1048576 bytes was skipped\n/,
    );
  });

  test("typing has no answer", async (context) => {
    const gateway = start(context, await temporaryFolder(context));
    await gateway.heard("ready");
    gateway.send({ type: "send_typing", chat_id: "c", duration: 5 }, say("r", "done"));
    await gateway.heard("command_ok");
    await until("typing", () => gateway.platform().includes("c\ttyping"));
    assert.equal(gateway.events.length, 2);
  });

  test("a core that does not read costs no memory, and hears all when it does", async (context) => {
    const idle = start(context, await temporaryFolder(context));
    await idle.heard("ready");
    const gateway = start(context, await temporaryFolder(context), { deliver: 1_500, letters: 64 * 1024 });
    gateway.pausesAfter = "ready";
    await gateway.heard("ready");
    for (let index = 0; index < 5_000; index += 1) gateway.send({ type: "ping", request_id: `p${index}` });
    await until("it is busy no more", async () => {
      const before = processorTicksOf(gateway);
      await new Promise((resolve) => setTimeout(resolve, 50));
      return processorTicksOf(gateway) === before;
    });
    const bytes = memoryOf(gateway) - memoryOf(idle);
    assert.ok(bytes < 60_000_000, `${bytes} bytes more than one that has nothing to say`);
    gateway.child.stdout?.resume();
    await until("all pings", () => gateway.of("pong").length === 5_000);
    await until("all messages", () => gateway.of("message_received").length === 1_500);
  });
});

function memoryOf(gateway: GatewayProgram): number {
  const pages = readFileSync(`/proc/${gateway.child.pid}/statm`, "utf8").split(" ")[1];
  return Number(pages) * 4_096;
}

function processorTicksOf(gateway: GatewayProgram): string {
  return readFileSync(`/proc/${gateway.child.pid}/stat`, "utf8").split(" ").slice(13, 15).join();
}
