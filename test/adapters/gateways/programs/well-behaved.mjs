// A gateway as its protocol wants it. Writes every line it gets to the file of JOURNAL, if there is one.
import { appendFileSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`);
const journal = process.env["JOURNAL"];
let sent = 0;
let dataDir = "";
createInterface({ input: process.stdin })
  .on("line", (line) => {
    if (journal) appendFileSync(journal, `${line}\n`);
    const command = JSON.parse(line);
    const { type, request_id } = command;
    if (type === "initialize") {
      dataDir = command.data_dir;
      say({ type: "ready", gateway: "well-behaved", version: "1.0.0", capabilities: ["ack", "inline_keyboard"] });
      for (const event of command.config.events ?? []) say(event);
    }
    if (type === "ping") say({ type: "pong", request_id, uptime_seconds: 1, connected: true });
    if (type === "send_message" && command.content === "exit") process.exit(Number(command.chat_id));
    if (type === "send_message" && command.content === "environment")
      return say({ type: "command_error", request_id, code: "platform_error", message: about() });
    if (type === "send_message" && command.content === "flood control")
      return say({ type: "command_error", request_id, code: "rate_limited", message: "slowly", retry_after: 1.5 });
    if (type === "send_message") say({ type: "command_ok", request_id, message_id: `m${(sent += 1)}` });
    if (type === "shutdown") {
      say({ type: "shutdown", reason: "asked" });
      process.exit(0);
    }
  })
  .on("close", () => process.exit(0));

const about = () =>
  JSON.stringify({
    argv: process.argv.slice(2),
    cwd: process.cwd(),
    dataDir,
    env: process.env,
    cmdline: readFileSync("/proc/self/cmdline", "utf8"),
  });
