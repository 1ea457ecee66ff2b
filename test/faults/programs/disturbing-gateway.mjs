// A gateway that does without end what none should, so that what is beside it can be looked at; it begins once a file is
// there. Arguments: the manner, that file, and a word that its processes can be found by.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";

const [manner, begin, word] = process.argv.slice(2);
const line = (event) => `${JSON.stringify(event)}\n`;
const written = (text) => new Promise((resolve) => process.stdout.write(text, resolve));
const ready = async () => {
  await written(line({ type: "ready", gateway: manner, version: "1", capabilities: ["ack"] }));
  while (!existsSync(begin)) await new Promise((resolve) => setTimeout(resolve, 20));
};
/** A test that fails must not leave it behind for ever. */
const stay = () => setTimeout(() => process.exit(9), 120_000);
const hear = (handle = () => undefined) =>
  createInterface({ input: process.stdin })
    .on("line", (text) => handle(JSON.parse(text)))
    .on("close", () => process.exit(0));

let said = 0;
function message(text = "hello", chat = `c${said % 10}`) {
  said += 1;
  return line({
    type: "message_received",
    message_id: `m${said}`,
    chat_id: chat,
    sender: { id: `u${chat}` },
    content: { type: "text", text },
    mentions_bot: false,
    routing: { channel: "test", chat_type: "dm", chat_id: chat, sender_id: `u${chat}` },
  });
}

const manners = {
  /** New messages in ten chats, as fast as they are read. */
  floods: async () => {
    await ready();
    hear();
    for (;;) await written(Array.from({ length: 100 }, () => message()).join(""));
  },
  /** Answers to nothing, which cost as little as a line can. */
  "floods-with-nothing": async () => {
    await ready();
    hear();
    const hundred = line({ type: "pong", request_id: "nobody's", uptime_seconds: 1, connected: true }).repeat(100);
    for (;;) await written(hundred);
  },
  "says-long-lines": async () => {
    await ready();
    hear();
    for (const long = message("x".repeat(10_000_000)); ;) await written(long);
  },
  "never-ends-a-line": async () => {
    await ready();
    hear();
    for (const piece = Buffer.alloc(256 * 1024, "x"); ;) await written(piece);
  },
  /** It is asked for something at once, by what it says first. */
  "never-reads": async () => {
    await ready();
    for (let at = 0; at < 20; at += 1) await written(message("are you there?"));
    stay();
  },
  "crashes-before-ready": () => process.exit(3),
  "crashes-after-ready": async () => {
    await ready();
    process.exit(4);
  },
  /** Ends by nothing but SIGKILL, and has started somebody who does no better. */
  "hangs-on-shutdown": () => hang({ detached: false }),
  "hangs-and-has-a-child-elsewhere": () => hang({ detached: true }),
};

function hang({ detached }) {
  process.on("SIGTERM", () => undefined);
  const deaf = `process.on("SIGTERM", () => {}); console.log(1); setTimeout(() => {}, 12e4)`;
  const child = spawn(process.execPath, ["-e", deaf, word], { stdio: ["ignore", "pipe", "ignore"], detached });
  child.stdout.once("data", ready);
  stay();
}

process.stdin.on("error", () => undefined);
process.stdout.on("error", () => process.exit(0));
await manners[manner]();
