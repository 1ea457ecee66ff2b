// Gateways that do what no gateway should. The manner is the first argument.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const [manner, more, inNewChats] = process.argv.slice(2);
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const message = (id, text = "hello", chat = "c1") => ({
  type: "message_received",
  message_id: id,
  chat_id: chat,
  sender: { id: "u1" },
  content: { type: "text", text },
  routing: { channel: "test", chat_type: "dm", chat_id: chat, sender_id: "u1" },
});
const press = { type: "callback_query", callback_query_id: "q1", chat_id: "c1", sender: { id: "u1" }, data: "x" };
const ready = (capabilities = []) => say({ type: "ready", gateway: "odd", version: "1", capabilities });
/** Not for ever: a test that fails may leave it behind. */
const stay = () => setTimeout(() => process.exit(9), 120_000);
const onCommand = (handle) =>
  createInterface({ input: process.stdin })
    .on("line", (line) => handle(JSON.parse(line)))
    .on("close", () => process.exit(0));
const written = (bytes) => new Promise((resolve) => process.stdout.write(bytes, resolve));

const manners = {
  "crashes-before-ready": () => process.exit(3),
  "crashes-after-ready": () => {
    ready();
    process.stdout.write("", () => process.exit(4));
  },
  "ends-well": () => process.exit(0),
  "says-why": () => {
    process.stderr.write("the disk is full of sardines\n", () => process.exit(5));
  },
  "is-refused": () => {
    say({ type: "error", code: "unauthorized", message: `token ${process.env["BOT_TOKEN"]} was refused`, fatal: true });
    stay();
  },
  floods: async () => {
    ready();
    onCommand(({ type, request_id }) => {
      if (type === "send_message") say({ type: "command_ok", request_id });
    });
    const nth = (n) => message(`m${n}`, "hello", inNewChats ? `c${n}` : undefined);
    for (let at = 0; at < Number(more); at += 100)
      await written(Array.from({ length: 100 }, (_, n) => `${JSON.stringify(nth(at + n))}\n`).join(""));
  },
  "says-a-long-line": async () => {
    ready();
    await written(`${JSON.stringify(message("long", "x".repeat(10_000_000)))}\n`);
    say(message("after"));
    onCommand(() => undefined);
  },
  "never-ends-a-line": async () => {
    ready();
    const piece = Buffer.alloc(1024 * 1024, "x");
    for (let at = 0; at < 300; at += 1) await written(piece);
    await written("\n");
    say(message("after"));
    onCommand(() => undefined);
  },
  "says-nonsense": async () => {
    ready();
    for (const line of [
      "",
      "  ",
      "{",
      "null",
      "[]",
      '{"type":1}',
      '{"type":"ready"}',
      '{"type":"constructor"}',
      "[".repeat(900_000),
    ])
      await written(`${line}\n`);
    await written(`{"type":"message_received","metadata":${"[".repeat(400_000)}${"]".repeat(400_000)}}\n`);
    await written(
      Buffer.concat([
        Buffer.from('{"type":"error","code":"x","message":"'),
        Buffer.from([0xff, 0xc3]),
        Buffer.from('"}\n'),
      ]),
    );
    await written(Buffer.from([0xff, 0xfe, 0x0a]));
    await written(`${JSON.stringify(message("after"))}\r\n`);
    onCommand(() => undefined);
  },
  "never-reads": () => {
    ready(["ack"]);
    stay();
  },
  "hangs-on-shutdown": () => {
    process.on("SIGTERM", () => undefined);
    const child = spawn(
      process.execPath,
      ["-e", `process.on("SIGTERM",()=>{});console.log(1);setTimeout(()=>{},12e4)`, more],
      {
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    child.stdout.once("data", () => ready());
    stay();
  },
  "closes-stdout": () => {
    ready();
    process.stdout.end(() => process.stdout.destroy());
    stay();
  },
  "leaves-a-grandchild": () => {
    const options = { stdio: ["ignore", 1, 2], detached: process.argv[4] === "elsewhere" };
    spawn("sleep", [more], options).unref();
    ready();
    process.stdout.write("", () => process.exit(6));
  },
  "says-all-twice": () => {
    const twice = (event) => [say(event), say(event)];
    twice({ type: "ready", gateway: "odd", version: "1", capabilities: [] });
    onCommand(({ type, request_id }) => {
      if (type === "send_message") twice({ type: "command_ok", request_id, message_id: "m1" });
      if (type === "ping") twice({ type: "pong", request_id, uptime_seconds: 1, connected: true });
    });
    say({ type: "command_ok", request_id: "nobody's", message_id: "m2" });
  },
  "talks-on-stderr": async () => {
    const line = `\u001b[31mred\u0007 ${process.env["BOT_TOKEN"]}\n`;
    for (let at = 0; at < 100; at += 1)
      await new Promise((resolve) => process.stderr.write(line.repeat(1_000), resolve));
    await new Promise((resolve) => process.stderr.write("y".repeat(5_000_000), resolve));
    ready();
    onCommand(() => undefined);
  },
  // Only what the older protocol has: no initialize, no ack, no ping; the token comes from the environment.
  "is-older": () => {
    if (!process.env["BOT_TOKEN"]) process.exit(1);
    ready(["edit", "typing"]);
    say(message("1"));
    onCommand(({ type, request_id }) => {
      if (type === "send_message") say({ type: "command_ok", request_id, message_id: "m1" });
      else if (type === "shutdown") process.exit(0);
      else if (type !== "send_typing") process.stderr.write(`unknown command ${type}\n`);
    });
  },
  // Before there was such a thing as ready.
  "never-says-ready": () => {
    onCommand(({ type, request_id, content }) => {
      if (type === "initialize") say(more === "pressed" ? press : message("1"));
      if (type !== "send_message") return;
      if (content === "say ready") ready(["edit"]);
      say({ type: "command_ok", request_id, message_id: "m1" });
    });
  },
  // What is wrong comes by its chat: each message is the code of an error, or how it reaches its platform from now on.
  "reports-errors": () => {
    ready();
    let connected = true;
    onCommand(({ type, request_id, content }) => {
      if (type === "ping") say({ type: "pong", request_id, uptime_seconds: 1, connected });
      if (type !== "send_message") return;
      if (content === "ready") ready();
      else if (content === "reached" || content === "cut off") connected = content === "reached";
      else say({ type: "error", code: content, message: "oh", fatal: false });
      say({ type: "command_ok", request_id });
    });
  },
  "falls-silent": () => {
    ready();
    let pings = 0;
    onCommand(({ type, request_id }) => {
      if (type === "ping" && pings++ === 0) say({ type: "pong", request_id, uptime_seconds: 1, connected: true });
    });
  },
  "says-nothing": () => onCommand(() => undefined),
  "is-cut-off": () => {
    if (more !== "unready") ready();
    onCommand(({ type, request_id }) => {
      if (type === "ping") say({ type: "pong", request_id, uptime_seconds: 1, connected: false });
    });
  },
  "takes-leave": () => {
    ready();
    say({ type: "shutdown", reason: "the moon is full" });
    if (more === "stays") stay();
    else process.stdout.write("", () => process.exit(Number(more)));
  },
  "is-of-version": () => {
    say({ type: "ready", gateway: "odd", version: more });
    onCommand(() => undefined);
  },
  "needs-to-be-let-in": () => {
    const method = (code) => ({ type: "auth_required", method: { method: "pair_code", code, expires_in: 60 } });
    say(method("one"));
    say(method("two"));
    onCommand(({ type }) => {
      if (type !== "ping") return;
      say({ type: "auth_success" });
      ready();
    });
  },
  "answers-late": () => {
    ready();
    const asked = [];
    onCommand(({ type, request_id, content }) => {
      if (type !== "send_message") return;
      asked.push(request_id);
      if (content === "now") for (const id of asked) say({ type: "command_ok", request_id: id });
    });
  },
};

process.stdin.on("error", () => undefined);
await manners[manner]();
