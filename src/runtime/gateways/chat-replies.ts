import type { GatewayAnswer, GatewayRequest } from "../../ports/gateway-host.ts";
import type { Chat } from "../../ports/chat-index.ts";
import { Newest } from "./newest.ts";
import type { RouterParts } from "./router-parts.ts";
import { unlessStopped } from "./unless-stopped.ts";

const triesMax = 3;
const rateLimitDefaultMs = 5_000;
const rateLimitMaxMs = 10_000;
/** Chats (or chats and reasons) of which it is remembered what was said last. */
const rememberedMax = 10_000;
/** Commands of one chat that are answered: each answer holds up what is said there after it, and platforms bound them too. */
const answeredPerMinuteMax = 10;
const minuteMs = 60_000;

export type Reply = {
  readonly gateway: string;
  readonly chatId: string;
  /** The same however often it is said: the gateway sends it once. */
  readonly requestId: string;
  readonly content: string;
  readonly replyTo?: string | undefined;
  readonly threadId?: string | undefined;
};

/** What is said in a chat beside its conversation: it is in no log. */
export class ChatReplies {
  private readonly parts: Pick<RouterParts, "host" | "clock" | "log">;
  private readonly stopping: AbortSignal;
  private readonly lastSaid = new Newest<number>(rememberedMax);
  private readonly answered = new Newest<{ readonly sinceMs: number; count: number }>(rememberedMax);
  private readonly going = new Set<Promise<unknown>>();

  constructor(parts: Pick<RouterParts, "host" | "clock" | "log">, stopping: AbortSignal) {
    this.parts = parts;
    this.stopping = stopping;
  }

  /** `unsaid`: the gateway is gone; whoever can have the message delivered again says it then. Throws `shutting-down`. */
  async say(reply: Reply): Promise<"done" | "unsaid"> {
    const answer = await this.tried(reply.gateway, requestOf(reply, this.capabilities(reply.gateway)));
    if (answer.kind === "ok") return "done";
    const code = answer.kind === "error" ? answer.code : answer.why;
    const fields = { gateway: reply.gateway, chat_id: reply.chatId, code, detail: answer.detail };
    this.parts.log.warn(fields, "a reply was not sent");
    return answer.kind === "unanswered" && answer.why !== "timeout" ? "unsaid" : "done";
  }

  /** Whether one more command of the chat is to be answered; counts it. */
  mayAnswer({ gateway, chatId }: Chat): boolean {
    const key = JSON.stringify([gateway, chatId]);
    const now = this.parts.clock.monotonic();
    const before = this.answered.get(key);
    const window = before && now - before.sinceMs < minuteMs ? before : { sinceMs: now, count: 0 };
    window.count += 1;
    this.answered.set(key, window);
    return window.count <= answeredPerMinuteMax;
  }

  /** Says it, unless it was said under `once.key` less than `once.everyMs` ago. Nobody waits for it. */
  notice(reply: Reply, once: { key: string; everyMs: number }): void {
    const now = this.parts.clock.monotonic();
    const before = this.lastSaid.get(once.key);
    if (before !== undefined && now - before < once.everyMs) return;
    this.lastSaid.set(once.key, now);
    const said = (): unknown => this.going.delete(saying);
    // It rejects only where the server stops: nobody needs to hear of it then.
    const saying: Promise<unknown> = this.say(reply).then(said, said);
    this.going.add(saying);
  }

  /** The answer to a press of a button, at once. Without `text` only the waiting ends. */
  async answerPress(
    gateway: string,
    request: Extract<GatewayRequest, { type: "answer_callback_query" }>,
  ): Promise<void> {
    const answer = await this.tried(gateway, request);
    if (answer.kind !== "ok")
      this.parts.log.info({ gateway, detail: answer.detail }, "a press of a button was not answered");
  }

  /** Resolves when nothing is on its way any more. */
  async idle(): Promise<void> {
    await Promise.all(this.going);
  }

  private async tried(gateway: string, request: GatewayRequest): Promise<GatewayAnswer> {
    const { host, clock } = this.parts;
    for (let tries = 1; ; tries += 1) {
      const answer = await unlessStopped(host.ask(gateway, request), this.stopping);
      const isLimited = answer.kind === "error" && answer.code === "rate_limited";
      if (!isLimited || tries >= triesMax || this.stopping.aborted) return answer;
      const waitMs = Math.min(rateLimitMaxMs, answer.retryAfterMs ?? rateLimitDefaultMs);
      await clock.sleep(waitMs, this.stopping).catch(() => undefined);
    }
  }

  private capabilities(gateway: string): readonly string[] {
    return this.parts.host.status(gateway)?.capabilities ?? [];
  }
}

function requestOf(
  { chatId, requestId, content, replyTo, threadId }: Reply,
  capabilities: readonly string[],
): GatewayRequest {
  return {
    type: "send_message",
    request_id: requestId,
    chat_id: chatId,
    content,
    ...(replyTo !== undefined && capabilities.includes("reply") ? { reply_to: replyTo } : {}),
    ...(threadId !== undefined && capabilities.includes("threads") ? { thread_id: threadId } : {}),
  };
}
