// A gateway and its platform in one. Writes down all that happens to it in a file that outlives every kill, as a platform
// would: what people have said, what it was told is durable, and what it was asked to send. What is not confirmed is said
// again, also by its next run; once nothing new is said (`over` lies beside the journal), a new run says all of it again.
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

const [folder, chatCount, seed, deaths] = process.argv.slice(2);
const journal = join(folder, "journal.jsonl");
/** What is not confirmed is said again, less and less often. */
const againMs = 400;
/** Of a chat, said and not confirmed: what was said later waits for those. */
const openMax = 2;
const lookMs = 20;
/** How probably somebody says something new in a chat at a look, where all is confirmed. */
const talkative = 0.1;

const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const note = (line) => appendFileSync(journal, `${JSON.stringify({ ...line, pid: process.pid })}\n`);
const isOver = () => existsSync(join(folder, "over"));
const die = () => process.kill(process.pid, "SIGKILL");

const known = existsSync(journal) ? readFileSync(journal, "utf8").split("\n").slice(0, -1).map(JSON.parse) : [];
const confirmed = new Set(known.flatMap(({ kind, id }) => (kind === "confirmed" ? [id] : [])));
const isLast = isOver();
/** What people have said in each chat, the oldest first; one thing at a time is new. */
const chats = Array.from({ length: Number(chatCount) }, (_, at) => ({ name: `chat-${at}`, said: [] }));
for (const { kind, chat, id } of known) {
  if (kind === "said")
    chats.find(({ name }) => name === chat).said.push({ id, isOpen: isLast || !confirmed.has(id), atMs: 0, times: 0 });
}

/** The same for a seed and a run, and no other run's. */
let state = Number(seed) + known.length;
function random() {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return state / 4294967296;
}

/** The last chat is a group, in which only every other message is to the bot. */
function tell(chat, id) {
  const isGroup = chat.name === `chat-${Number(chatCount) - 1}`;
  say({
    type: "message_received",
    message_id: id,
    chat_id: chat.name,
    sender: { id: "u1", display_name: "Ada" },
    content: { type: "text", text: `${id} in a chat` },
    mentions_bot: !isGroup || Number(id.split("-").at(-1)) % 2 === 0,
    routing: { channel: "test", chat_type: isGroup ? "group" : "dm", chat_id: chat.name, sender_id: "u1" },
  });
}

function look() {
  const over = isOver();
  for (const chat of chats) {
    const isWaiting = chat.said.some(({ isOpen }) => isOpen);
    if (!over && !isWaiting && random() < talkative) {
      const id = `${chat.name}-${chat.said.length}`;
      note({ kind: "said", chat: chat.name, id });
      chat.said.push({ id, isOpen: true, atMs: 0, times: 0 });
    }
    for (const message of chat.said.filter(({ isOpen }) => isOpen).slice(0, openMax)) {
      if (performance.now() - message.atMs < againMs * 2 ** (message.times - 1)) continue;
      // Some deliver a thing more than once although nobody asked them to.
      for (let times = message.atMs === 0 && random() < 0.1 ? 2 : 1; times > 0; times -= 1) tell(chat, message.id);
      message.atMs = performance.now();
      message.times += 1;
    }
  }
  if (over && chats.every(({ said }) => said.every(({ isOpen }) => !isOpen))) {
    note({ kind: "idle" });
    clearInterval(looking);
  }
}

let looking;

const commands = {
  initialize() {
    note({ kind: "started" });
    say({ type: "ready", gateway: "chat", version: "1", capabilities: ["ack"] });
    looking = setInterval(look, lookMs);
  },
  ping: ({ request_id }) => say({ type: "pong", request_id, uptime_seconds: 1, connected: true }),
  ack({ chat_id, message_id }) {
    note({ kind: "confirmed", chat: chat_id, id: message_id });
    for (const message of chats.find(({ name }) => name === chat_id).said)
      if (message.id === message_id) message.isOpen = false;
  },
  send_message({ request_id, chat_id, content }) {
    note({ kind: "asked", id: request_id });
    const lot = isOver() ? 100 : random() * 100;
    // One half before it has taken it, the other before it has said so.
    if (lot < deaths / 2) return die();
    const isNew = take(request_id);
    if (isNew) note({ kind: "sent", chat: chat_id, id: request_id, content });
    if (lot < Number(deaths)) return die();
    say({ type: "command_ok", request_id, message_id: `m-${request_id}` });
  },
};

/** Whether this id was never sent: as a bundled gateway remembers it, in one step, for the run before may be ending yet. */
function take(id) {
  try {
    writeFileSync(join(folder, `sent-${id}`), "", { flag: "wx" });
    return true;
  } catch {
    return false;
  }
}

process.stdout.on("error", () => process.exit(0));
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const command = JSON.parse(line);
    commands[command.type]?.(command);
  })
  .on("close", () => process.exit(0));
