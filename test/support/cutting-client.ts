import { request, type IncomingMessage } from "node:http";

import { parseSse } from "../../src/client/sse-parser.ts";
import type { SessionEvent } from "../../src/schema/session-event.ts";

/** As much as is read of a connection before it is cut, at most. */
const readBytesMax = 6_000;

/** Follows a session over connections that it cuts after random numbers of bytes, and notes what it was given wrongly. */
export class CuttingClient {
  readonly #path: string;
  readonly #random: () => number;
  readonly #cuts: number;
  readonly durable: SessionEvent[] = [];
  readonly problems: string[] = [];
  cutsMade = 0;
  #cursor: string | null = null;
  #shown = { messageId: "", text: "" };

  constructor(path: string, options: { cuts: number; random: () => number }) {
    this.#path = path;
    this.#random = options.random;
    this.#cuts = options.cuts;
  }

  /** Until this event has come. */
  async follow(
    place: { port: number },
    isLast: (event: SessionEvent, durable: readonly SessionEvent[]) => boolean,
  ): Promise<void> {
    for (;;) {
      for await (const item of parseSse(await this.#connect(place))) {
        if (!item || item.id === undefined) continue;
        const { id, event, data } = item;
        this.#cursor = id;
        if (event === "token") this.#takeToken(JSON.parse(data));
        else if (isLast(this.#takeDurable(JSON.parse(data)), this.durable)) return;
      }
    }
  }

  async #connect({ port }: { port: number }): Promise<AsyncIterable<Uint8Array>> {
    const headers = { accept: "text/event-stream", ...(this.#cursor !== null && { "last-event-id": this.#cursor }) };
    const outgoing = request({ host: "127.0.0.1", port, path: this.#path, headers, agent: false });
    outgoing.end();
    const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.on("response", resolve).on("error", reject);
    });
    if (incoming.statusCode !== 200) throw new Error(`the stream was answered with ${incoming.statusCode}`);
    if (incoming.headers["x-duragent-resume"] !== undefined) this.problems.push(`${this.#cursor} was ignored`);
    const cut = this.cutsMade < this.#cuts;
    return cut ? this.#some(incoming, Math.ceil(this.#random() * readBytesMax)) : incoming;
  }

  async *#some(incoming: AsyncIterable<Buffer> & { destroy(): void }, bytes: number): AsyncGenerator<Uint8Array> {
    let left = bytes;
    for await (const chunk of incoming) {
      yield chunk.subarray(0, left);
      left -= chunk.length;
      if (left <= 0) break;
    }
    this.cutsMade += 1;
    incoming.destroy();
  }

  #takeToken({
    message_id: messageId,
    content,
    offset,
  }: {
    message_id: string;
    content: string;
    offset: number;
  }): void {
    const text = this.#shown.messageId === messageId ? this.#shown.text : "";
    if (offset !== text.length) this.problems.push(`a token at ${offset}, with ${text.length} shown`);
    this.#shown = { messageId, text: text + content };
  }

  #takeDurable(event: SessionEvent): SessionEvent {
    const last = this.durable.at(-1)?.seq ?? 0;
    if (event.seq !== last + 1) this.problems.push(`${event.seq} after ${last}`);
    this.durable.push(event);
    if (event.type === "assistant_response" && this.#shown.messageId === event.message_id) {
      if (!event.content.startsWith(this.#shown.text)) this.problems.push(`${event.message_id} was shown otherwise`);
    }
    return event;
  }
}
