import { existsSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

// A gateway that says one thing after the other, each when the last was answered, and writes down how long each took.
// Arguments: how many, where the milliseconds go, and a file to wait for before it begins. As an echo (`echo`) it is the floor's child.

const [count = "0", path = "", before] = process.argv.slice(2);
const say = (event: object): void => void process.stdout.write(`${JSON.stringify(event)}\n`);
/** For what is recorded of an answer's delivery, which nobody waits for. */
const pauseMs = 10;
/** A conversation of a usual length; the first message of each makes a session, which is not what is timed. */
const messagesPerChat = 21;
const lookMs = 20;
const times: number[] = [];
let saidAt = 0;
let said = 0;

function begin(): void {
  if (before === undefined || existsSync(before)) next();
  else setTimeout(begin, lookMs);
}

function next(): void {
  if (times.length === Number(count)) return writeFileSync(path, JSON.stringify(times));
  const chat = `c${Math.floor(said / messagesPerChat)}`;
  said += 1;
  saidAt = performance.now();
  say({
    type: "message_received",
    message_id: `m${said}`,
    chat_id: chat,
    sender: { id: "u1", display_name: "Ada" },
    content: { type: "text", text: "Say something." },
    routing: { channel: "bench", chat_type: "dm", chat_id: chat, sender_id: "u1" },
  });
}

createInterface({ input: process.stdin })
  .on("line", (line) => {
    if (count === "echo") return void process.stdout.write(`${line}\n`);
    const command: { type: string; request_id?: string } = JSON.parse(line);
    const { type, request_id } = command;
    if (type === "initialize") say({ type: "ready", gateway: "bench", version: "1", capabilities: ["ack"] });
    if (type === "initialize") begin();
    if (type === "ping") say({ type: "pong", request_id, uptime_seconds: 1, connected: true });
    if (type !== "send_message") return;
    if (said % messagesPerChat !== 1) times.push(performance.now() - saidAt);
    say({ type: "command_ok", request_id, message_id: `a${said}` });
    setTimeout(next, pauseMs);
  })
  .on("close", () => process.exit(0));
