import { parseSse, type SseMessage } from "../../../src/client/sse-parser.ts";
import type { SessionEvent } from "../../../src/schema/session-event.ts";
import { openRequest } from "../../support/http-harness.ts";
import { Broken, type World } from "./world.ts";

/** Follows a session through all its servers with Last-Event-ID, and notes every durable event that it is shown. */
export class Watcher {
  readonly #world: World;
  readonly #sessionId: string;
  readonly #enough = Promise.withResolvers<void>();
  #cursor: string | null = null;
  #lastSeq = 0;
  #until = Number.POSITIVE_INFINITY;
  #shown: { messageId: string; text: string } | null = null;

  constructor(world: World, sessionId: string) {
    this.#world = world;
    this.#sessionId = sessionId;
  }

  /** Watches until `finish` has been called and has come true. */
  async run(): Promise<void> {
    const over = new AbortController();
    void this.#enough.promise.then(() => over.abort());
    try {
      await this.#world.persist((place) => this.#follow(place, over.signal));
    } catch (error) {
      if (!over.signal.aborted) throw error;
    }
  }

  /** Resolves when everything up to `seq` has been shown. */
  finish(seq: number): Promise<void> {
    this.#until = seq;
    if (this.#lastSeq >= seq) this.#enough.resolve();
    return this.#enough.promise;
  }

  async #follow(place: { port: number }, signal: AbortSignal): Promise<void> {
    const resume = this.#cursor === null ? {} : { "last-event-id": this.#cursor };
    const incoming = await openRequest(
      place,
      { path: `/api/v1/sessions/${this.#sessionId}/events`, headers: { accept: "text/event-stream", ...resume } },
      signal,
    );
    if (incoming.headers["x-duragent-resume"] === "ignored") {
      this.#world.ledger.fault("lost", `${this.#sessionId}: the cursor ${this.#cursor} is in the future`);
    }
    for await (const item of parseSse(incoming)) if (item) this.#take(item);
    throw new Broken("the stream ended");
  }

  #take({ id, event, data }: SseMessage): void {
    if (id !== undefined) this.#cursor = id;
    if (event === "token_reset") this.#shown = null;
    else if (event === "token") this.#token(JSON.parse(data));
    else if (id !== undefined) this.#durable(JSON.parse(data));
  }

  #token({ message_id: messageId, content, offset }: { message_id: string; content: string; offset: number }): void {
    const known = this.#shown?.messageId === messageId ? this.#shown.text : "";
    if (offset !== known.length) {
      this.#world.ledger.fault(
        "lost",
        `${this.#sessionId}: a token at ${offset} after ${known.length} of ${messageId}`,
      );
    }
    this.#shown = { messageId, text: known + content };
  }

  #durable(event: SessionEvent): void {
    this.#world.ledger.saw(this.#sessionId, event);
    this.#lastSeq = event.seq;
    if (event.type === "assistant_response") {
      const shown = this.#shown?.messageId === event.message_id ? this.#shown.text : "";
      if (!event.content.startsWith(shown)) {
        this.#world.ledger.fault(
          "lost",
          `${this.#sessionId}: ${event.message_id} was shown as ${JSON.stringify(shown)}`,
        );
      }
      this.#shown = null;
    }
    if (event.seq >= this.#until) this.#enough.resolve();
  }
}
