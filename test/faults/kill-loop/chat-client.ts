import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { until } from "../../support/until.ts";

const program = join(import.meta.dirname, "../programs/chat-gateway.mjs");
/** Generous: a machine may be busy. */
const withinMs = 60_000;
const lookMs = 10;
/** In the workspace, where gateways are started. */
const folder = "chats";

/** What a gateway has written down, in the order in which it happened to it. */
export type ChatNote = { readonly pid: number } & (
  | { readonly kind: "started" | "idle" }
  | { readonly kind: "said" | "confirmed"; readonly chat: string; readonly id: string }
  | { readonly kind: "asked"; readonly id: string }
  | { readonly kind: "sent"; readonly chat: string; readonly id: string; readonly content: string }
);

const spec = {
  model: { provider: "scripted", name: "./script.yaml" },
  access: {
    // Where servers die sooner than they answer more waits than usual.
    dm: { queue: { debounce: { window_ms: 20 }, max_pending: 1_000 } },
    groups: { queue: { debounce: { enabled: false }, max_pending: 1_000 } },
  },
};
const talker = { apiVersion: "duragent/v1alpha1", kind: "Agent", metadata: { name: "talker" }, spec };
const script = { rules: [{ when: ".*", say: "heard {{input}}" }], delay: { per_token_ms: 4 } };

/** An agent `talker`, and what its people write down. */
export const chatFiles: Readonly<Record<string, string>> = {
  "agents/talker/agent.yaml": JSON.stringify(talker),
  "agents/talker/script.yaml": JSON.stringify(script),
  [`${folder}/journal.jsonl`]: "",
};

export type ChatOptions = {
  chats: number;
  seed: number;
  /** Of a hundred messages that the gateway is to send, those over which it dies. */
  deaths?: number;
  /** Other gateways, whose messages the same agent answers. */
  beside?: readonly { name: string; command: string; args: readonly string[] }[];
};

/** Text of duragent.yaml: people in so many chats, who talk for as long as their gateway is alive. */
export function chatConfig({ chats, seed, deaths = 4, beside = [] }: ChatOptions): string {
  const args = [program, folder, String(chats), String(seed), String(deaths)];
  const external = [{ name: "chat", command: process.execPath, args }, ...beside];
  return `gateways: ${JSON.stringify({ external })}\nroutes: ${JSON.stringify([{ agent: "talker" }])}`;
}

/** What people in chats have said and were sent, kept outside of the server that is killed. */
export class ChatJournal {
  readonly #folder: string;

  constructor(workspace: string) {
    this.#folder = join(workspace, folder);
  }

  async notes(): Promise<ChatNote[]> {
    const text = await this.#text();
    return text
      .split("\n")
      .slice(0, -1)
      .map((line): ChatNote => JSON.parse(line));
  }

  /** Nothing new is said from now on. */
  async end(): Promise<void> {
    await writeFile(join(this.#folder, "over"), "");
  }

  /** How often a gateway has started so far. */
  async runs(): Promise<number> {
    return await this.#count("started");
  }

  /** How many messages were sent so far. */
  async sent(): Promise<number> {
    return await this.#count("sent");
  }

  /** Resolves when more messages than so many were sent. */
  async talks(sent: number): Promise<void> {
    await this.#moreThan(sent, "sent");
  }

  /** Resolves when a gateway has started once more than so often. */
  async joined(runs: number): Promise<void> {
    await this.#moreThan(runs, "started");
  }

  /** Resolves when once more than so often a gateway was told that all is durable; how often that was. */
  async calm(times: number): Promise<number> {
    return this.#moreThan(times, "idle");
  }

  async #moreThan(times: number, kind: "started" | "idle" | "sent"): Promise<number> {
    let count = 0;
    await until(
      `a gateway notes ${kind} once more`,
      async () => {
        count = await this.#count(kind);
        // What is waited for needs the processor more than this does.
        if (count <= times) await new Promise((resolve) => setTimeout(resolve, lookMs));
        return count > times;
      },
      withinMs,
    );
    return count;
  }

  async #count(kind: ChatNote["kind"]): Promise<number> {
    // Looked at often, while what is waited for needs the processor.
    const text = await this.#text();
    return text.split(`{"kind":"${kind}",`).length - 1;
  }

  #text(): Promise<string> {
    return readFile(join(this.#folder, "journal.jsonl"), "utf8");
  }
}
