import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";

import type { SessionEvent } from "../../../src/schema/session-event.ts";
import { ask } from "../../support/http-harness.ts";
import { startMockProvider, type MockProvider, type MockReply, type MockRequest } from "../../support/mock-provider.ts";
import type { TestPlatform } from "../../support/platforms/test-platform.ts";
import { ServerProcess } from "../../support/server-process.ts";
import { until } from "../../support/until.ts";

type After = Pick<TestContext, "after">;

export type ChatServerOptions = {
  /** Chats that an agent answers which waits longer for what else is said. */
  patientChats?: readonly string[];
};

/** How long the patient agent waits: longer than five messages take on a loaded machine. */
const patienceMs = 1_200;

/** The real server with the real gateways of platforms, and a provider that answers by what was said last. */
export class ChatServer {
  readonly server: ServerProcess;
  readonly provider: MockProvider;
  readonly #platforms: readonly TestPlatform[];

  private constructor(server: ServerProcess, provider: MockProvider, platforms: readonly TestPlatform[]) {
    this.server = server;
    this.provider = provider;
    this.#platforms = platforms;
  }

  static async start(
    t: After,
    platforms: readonly TestPlatform[],
    { patientChats = [] }: ChatServerOptions = {},
  ): Promise<ChatServer> {
    const provider = await startMockProvider();
    provider.otherwise(replyTo);
    const routes = [...patientChats.map((chat_id) => ({ match: { chat_id }, agent: "patient" })), { agent: "quick" }];
    const config = [
      `models: { providers: { anthropic: { api_key: test-key, base_url: "${provider.anthropicUrl}" } } }`,
      `gateways: ${JSON.stringify({ external: platforms.map(({ gateway }) => gateway) })}`,
      `routes: ${JSON.stringify(routes)}`,
    ].join("\n");
    const files = { ...agent("quick", 20), ...agent("patient", patienceMs) };
    const server = await ServerProcess.start(t, { files, config });
    t.after(() => provider[Symbol.asyncDispose]());
    const started = new ChatServer(server, provider, platforms);
    await started.ready();
    return started;
  }

  /** Resolves when every gateway takes commands. */
  async ready(): Promise<void> {
    const names = this.#platforms.map(({ gateway }) => gateway.name);
    await until(
      `${names.join(", ")} are ready`,
      async () => (await this.gateways()).every(({ state }) => state === "ready"),
      30_000,
    ).catch(async (error: unknown) => {
      throw new Error(`${JSON.stringify(await this.gateways())}\n${this.server.output}`, { cause: error });
    });
  }

  async gateways(): Promise<readonly { name: string; state: string; pid?: number; connected: boolean | null }[]> {
    return (await ask(this.server.place, { path: "/api/v1/admin/gateways" })).json.gateways;
  }

  /** `kill -9` of one gateway's program, by the id that the server gives for it. */
  async killGateway(name: string): Promise<void> {
    const pid = (await this.gateways()).find((gateway) => gateway.name === name)?.pid;
    if (pid === undefined) throw new Error(`${name} has no process`);
    process.kill(pid, "SIGKILL");
    await until("the server knows", async () =>
      (await this.gateways()).some((one) => one.name === name && one.pid !== pid),
    );
  }

  /** `kill -9` of the server, and the next one. */
  async restart(): Promise<void> {
    await this.server.kill9();
    await this.server.start();
  }

  /** Requests to the model in whose newest message `text` stands. */
  asked(text: string): readonly MockRequest[] {
    return this.provider.requests.filter((request) => newest(request).includes(text));
  }

  /** Resolves when the log says that the platform has taken a message: a kill before could make it come twice. */
  async delivered(content: string): Promise<void> {
    await until(`"${content}" is delivered`, async () => {
      const events = await this.events();
      const send = events.find((event) => event.type === "gateway_send" && event.content === content);
      const id = send?.type === "gateway_send" ? send.request_id : undefined;
      return events.some((event) => event.type === "gateway_delivery" && event.request_id === id);
    });
  }

  /** What is to be sent and holds `text`. */
  async sent(text: string): Promise<string> {
    const found = (await this.events()).find((event) => event.type === "gateway_send" && event.content.includes(text));
    return found?.type === "gateway_send" ? found.content : "";
  }

  /** Events of all sessions' logs. */
  async events(): Promise<readonly SessionEvent[]> {
    const folder = join(this.server.dataDir, "sessions");
    const logs = await readdir(folder).catch(() => []);
    const texts = await Promise.all(logs.map((id) => readFile(this.server.logPath(id), "utf8").catch(() => "")));
    return texts.flatMap((text) => text.split("\n").slice(0, -1).map(eventOf));
  }
}

function eventOf(line: string): SessionEvent {
  const event: SessionEvent = JSON.parse(line);
  return event;
}

function agent(name: string, windowMs: number): Record<string, string> {
  const queue = { debounce: { window_ms: windowMs } };
  const spec = {
    model: { provider: "anthropic", name: "mock-model" },
    tools: [{ type: "builtin", name: "bash" }],
    access: { dm: { queue }, groups: { queue } },
  };
  const manifest = { apiVersion: "duragent/v1alpha1", kind: "Agent", metadata: { name }, spec };
  return { [`agents/${name}/agent.yaml`]: JSON.stringify(manifest) };
}

/** `run: COMMAND` runs it, `long: NUMBER` says so many words, all else is heard. */
function replyTo(request: MockRequest): MockReply {
  const said = newest(request);
  const result = toolResult(request);
  if (result !== undefined) return { chunks: [`It says: ${result}`] };
  const command = /run: (.+)$/.exec(said)?.[1];
  if (command !== undefined) return { toolCalls: [{ name: "bash", arguments: { command } }] };
  const words = /long: (\d+)/.exec(said)?.[1];
  if (words !== undefined) return { chunks: [longText(Number(words))] };
  return { chunks: [`heard ${said}`] };
}

/** Numbered words in paragraphs, some of them as code, with an end that can be waited for. */
export function longText(words: number): string {
  const all = Array.from({ length: words }, (_, index) => `word${index}`);
  const half = Math.floor(words / 2);
  const lines = all.slice(half).map((word) => (word.endsWith("0") ? `${word}\n` : `${word} `));
  return `${all.slice(0, half).join(" ")}\n\n\`\`\`text\n${lines.join("")}\n\`\`\`\n\n**The end.**`;
}

/** What people said last, as the model is asked. */
export function newest({ body }: MockRequest): string {
  return textOf(body.messages.at(-1)?.content);
}

/** Everything that the model is told. */
export function told({ body }: MockRequest): string {
  return body.messages.map(({ content }: { content: unknown }) => textOf(content)).join("\n");
}

type Block = { type: string; text?: string; content?: unknown };

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  const blocks: readonly Block[] = Array.isArray(content) ? content : [];
  return blocks.map(({ text }) => text ?? "").join("\n");
}

function toolResult({ body }: MockRequest): string | undefined {
  const blocks: readonly Block[] = Array.isArray(body.messages.at(-1)?.content) ? body.messages.at(-1).content : [];
  const result = blocks.find(({ type }) => type === "tool_result");
  return result && textOf(result.content);
}
