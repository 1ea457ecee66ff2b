// A gateway whose platform is a file of lines, PLATFORM: what is sent is appended there, as `chat<TAB>text`.
import { appendFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

import {
  CommandFailure,
  runGateway,
  type Command,
  type Gateway,
  type Sending,
  type Setting,
} from "@duragent/gateway-protocol";

class EchoGateway implements Gateway {
  readonly capabilities = ["ack", "typing", "edit"] as const;
  readonly #setting: Setting;

  constructor(setting: Setting) {
    this.#setting = setting;
  }

  isConnected(): boolean {
    return this.#setting.config["connected"] !== false;
  }

  lastInboundAt(): string {
    return "2026-01-02T03:04:05Z";
  }

  /** Each line of the content is a part; one that reads `!word` makes something happen. */
  async sendMessage({ chat_id, content }: Command<"send_message">, sending: Sending): Promise<string | undefined> {
    const parts = content.split("\n");
    let last = sending.sentParts.at(-1);
    for (const [index, part] of parts.entries()) {
      if (index < sending.sentParts.length) continue;
      if (part === "!limited") throw new CommandFailure("rate_limited", "slowly", { retryAfterSeconds: 7 });
      if (part === "!throw") throw new Error(`the platform at https://x/bot${this.#token()}/send is not there`);
      if (part === "!slow") await pause(150);
      if (part === "!hang") await new Promise(() => {});
      if (part === "!kill" && sending.sentParts.length === 0) process.kill(process.pid, "SIGKILL");
      if (part === "!crash") setImmediate(() => void Promise.reject(new Error(`boom ${this.#token()}`)));
      if (part === "!fatal") this.#setting.core.error("platform_error", "it is over", true);
      if (part === "!print") console.log("printed by a library");
      await appendFile(this.#platform(), `${chat_id}\t${part}\n`);
      last = `m${index}`;
      await sending.partSent(last);
    }
    return last;
  }

  async editMessage({ chat_id, content }: Command<"edit_message">): Promise<void> {
    await appendFile(this.#platform(), `${chat_id}\tedit ${content}\n`);
  }

  async answerCallbackQuery({ callback_query_id: press }: Command<"answer_callback_query">): Promise<void> {
    await pause(150);
    await appendFile(this.#platform(), `answered ${press}\n`);
  }

  async sendTyping({ chat_id }: Command<"send_typing">): Promise<void> {
    await appendFile(this.#platform(), `${chat_id}\ttyping\n`);
  }

  async stop(): Promise<void> {
    if (this.#setting.config["stop"] === "never") await new Promise(() => {});
    await appendFile(this.#platform(), `stopped\n`);
  }

  #token(): string {
    return String(this.#setting.config["bot_token"] ?? this.#setting.env["ECHO_TOKEN"]);
  }

  #platform(): string {
    return this.#setting.env["PLATFORM"] ?? "/dev/null";
  }
}

await runGateway(
  async (setting) => {
    const { config, core, env } = setting;
    if (config["platform"] === "refusing")
      throw new CommandFailure("unauthorized", `refused: ${String(config["bot_token"])}`);
    if (config["start"] === "never") await new Promise(() => {});
    core.log(`named ${setting.name}, token ${String(config["bot_token"] ?? env["ECHO_TOKEN"])}`);
    for (let index = 0; index < Number(config["deliver"] ?? 0); index += 1) {
      const id = `in${index}`;
      void core
        .deliver({
          type: "message_received",
          message_id: id,
          chat_id: "c",
          sender: { id: "ann" },
          content: { type: "text", text: "x".repeat(Number(config["letters"] ?? 2)) },
          routing: { channel: "echo", chat_type: "dm", chat_id: "c", sender_id: "ann" },
          mentions_bot: false,
          reply_to_bot: false,
        })
        .then(
          () => core.log(`durable ${id}`),
          (error: unknown) => core.log(`undelivered ${id}: ${error instanceof Error ? error.message : "?"}`),
        );
    }
    return new EchoGateway(setting);
  },
  { name: "echo", version: "1.2.3" },
);
