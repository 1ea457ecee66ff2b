import { errorText } from "./error-text.ts";
import { CommandFailure, type Gateway, type Sending } from "./gateway.ts";
import type { Command, GatewayEvent } from "./messages.ts";
import type { SentRequests } from "./sent-requests.ts";

/** Commands that are carried out and answered. */
export type Request = Extract<
  Command,
  { type: "send_message" | "edit_message" | "delete_message" | "send_media" | "answer_callback_query" }
>;
type Answer = GatewayEvent<"command_ok" | "command_error">;

/** Requests that wait or are carried out; of one more the core is told to ask again. */
const requestsMax = 1_000;

/** Carries out what the core asks for: in its order within a chat, chats beside each other, one `request_id` once. */
export class Requests {
  readonly #gateway: () => Gateway | undefined;
  readonly #sent: SentRequests;
  /** By `request_id`. */
  readonly #running = new Map<string, Promise<Answer>>();
  /** The last one of each chat. */
  readonly #chats = new Map<string, Promise<unknown>>();

  /** `gateway`: once it has started. */
  constructor(gateway: () => Gateway | undefined, sent: SentRequests) {
    this.#gateway = gateway;
    this.#sent = sent;
  }

  /** Never rejects. */
  answer(request: Request): Promise<Answer> {
    const running = this.#running.get(request.request_id);
    if (running) return running;
    if (this.#running.size >= requestsMax)
      return Promise.resolve(
        failed(request, new CommandFailure("rate_limited", "too many requests wait", { retryAfterSeconds: 1 })),
      );
    const answer = this.#inOrder(request).finally(() => this.#running.delete(request.request_id));
    this.#running.set(request.request_id, answer);
    return answer;
  }

  /** Resolves when none is being carried out. */
  async settled(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  async #inOrder(request: Request): Promise<Answer> {
    // A press must be answered at once, whatever is on its way to its chat; it names none.
    if (request.type === "answer_callback_query") return this.#once(request);
    const before = this.#chats.get(request.chat_id);
    const answer = before ? before.then(() => this.#once(request)) : this.#once(request);
    this.#chats.set(request.chat_id, answer);
    try {
      return await answer;
    } finally {
      if (this.#chats.get(request.chat_id) === answer) this.#chats.delete(request.chat_id);
    }
  }

  async #once(request: Request): Promise<Answer> {
    const known = this.#sent.of(request.request_id);
    if (known?.done) return succeeded(request, known.done.messageId);
    const gateway = this.#gateway();
    if (!gateway) return failed(request, new CommandFailure("not_connected", "the gateway is still connecting"));
    try {
      const messageId = await perform(gateway, request, {
        sentParts: known?.parts ?? [],
        partSent: (id) => this.#sent.part(request.request_id, id),
      });
      await this.#sent.done(request.request_id, messageId);
      return succeeded(request, messageId);
    } catch (error) {
      return failed(request, error);
    }
  }
}

async function perform(gateway: Gateway, request: Request, sending: Sending): Promise<string | undefined> {
  switch (request.type) {
    case "send_message":
      return gateway.sendMessage(request, sending);
    case "send_media":
      if (!gateway.sendMedia) throw notOffered(request);
      return gateway.sendMedia(request, sending);
    case "edit_message":
      if (!gateway.editMessage) throw notOffered(request);
      await gateway.editMessage(request);
      return request.message_id;
    case "delete_message":
      if (!gateway.deleteMessage) throw notOffered(request);
      await gateway.deleteMessage(request);
      return undefined;
    case "answer_callback_query":
      if (!gateway.answerCallbackQuery) throw notOffered(request);
      await gateway.answerCallbackQuery(request);
      return undefined;
  }
}

function notOffered({ type }: Request): CommandFailure {
  return new CommandFailure("invalid_request", `this gateway does not know ${type}`);
}

function succeeded({ request_id }: Request, messageId: string | undefined): Answer {
  return { type: "command_ok", request_id, ...(messageId !== undefined && { message_id: messageId }) };
}

function failed({ request_id }: Request, error: unknown): Answer {
  const message = errorText(error);
  if (!(error instanceof CommandFailure)) return { type: "command_error", request_id, code: "platform_error", message };
  const { code, retryAfterSeconds } = error;
  return {
    type: "command_error",
    request_id,
    code,
    message,
    ...(retryAfterSeconds !== undefined && { retry_after: retryAfterSeconds }),
  };
}
