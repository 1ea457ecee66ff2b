import assert from "node:assert/strict";

import { parseSse, type SseMessage } from "../../src/client/sse-parser.ts";
import type { SessionEvent } from "../../src/schema/session-event.ts";
import { openRequest } from "./http-harness.ts";

const patienceMs = 30_000;

/**
 * A client of `GET …/events` that resumes by Last-Event-ID and checks what it is given as it comes: every durable event
 * once and in order, text without holes, and a response that is what was shown of it.
 */
export class StreamClient {
  readonly #path: string;
  readonly #waiting = new Set<() => void>();
  #connection: AbortController | null = null;
  #ended: Promise<void> = Promise.resolve();
  #failure: Error | null = null;
  cursor: string | null = null;
  readonly durable: SessionEvent[] = [];
  /** What is shown of the running response. */
  running: { messageId: string; text: string } | null = null;
  resets = 0;
  /** `ready` of the connection that is open. */
  isCaughtUp = false;

  constructor(sessionId: string, options: { attach?: boolean } = {}) {
    this.#path = `/api/v1/sessions/${sessionId}/events${options.attach === false ? "?attach=false" : ""}`;
  }

  /** Connects, and reads on until it is cut or the server ends it. */
  async connect(place: { port: number }): Promise<void> {
    await this.#ended;
    const connection = new AbortController();
    const resume = this.cursor === null ? {} : { "last-event-id": this.cursor };
    const headers = { accept: "text/event-stream", ...resume };
    const incoming = await openRequest(place, { path: this.#path, headers }, connection.signal);
    assert.equal(incoming.statusCode, 200);
    assert.equal(incoming.headers["x-duragent-resume"], undefined, `the cursor ${this.cursor} was ignored`);
    this.isCaughtUp = false;
    this.#connection = connection;
    const read = async (): Promise<void> => {
      for await (const item of parseSse(incoming)) {
        if (connection.signal.aborted) return;
        if (item) this.#take(item);
        this.#wake();
      }
    };
    this.#ended = read().catch((error: unknown) => this.#broke(error));
  }

  /** Cuts the connection wherever it is. */
  cut(): void {
    this.#connection?.abort();
  }

  /** Resolves when the condition holds of what has come. */
  async until(condition: (client: this) => boolean, what: string): Promise<void> {
    const deadline = AbortSignal.timeout(patienceMs);
    while (!condition(this)) {
      if (this.#failure !== null) throw this.#failure;
      await new Promise<void>((resolve, reject) => {
        const late = (): void => reject(new Error(`${what} did not come; there are ${JSON.stringify(this.durable)}`));
        deadline.addEventListener("abort", late, { once: true });
        this.#waiting.add(() => {
          deadline.removeEventListener("abort", late);
          resolve();
        });
      });
    }
    if (this.#failure !== null) throw this.#failure;
  }

  untilType(type: SessionEvent["type"], times = 1): Promise<void> {
    return this.until(({ durable }) => durable.filter((event) => event.type === type).length >= times, type);
  }

  #broke(error: unknown): void {
    // A cut connection is what these tests are about; what was received wrongly is not.
    if (error instanceof assert.AssertionError) this.#failure = error;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  #take({ id, event, data: text }: SseMessage): void {
    const data = JSON.parse(text);
    if (event === "ready") this.isCaughtUp = true;
    if (event === "token_reset") {
      this.running = null;
      this.resets += 1;
    }
    if (id === undefined) return;
    this.cursor = id;
    if (event !== "token") return this.#takeDurable(data);
    const shown = this.running?.messageId === data.message_id ? (this.running?.text ?? "") : "";
    assert.equal(
      data.offset,
      shown.length,
      `a token of ${data.message_id} at ${data.offset}, with ${shown.length} shown`,
    );
    this.running = { messageId: data.message_id, text: shown + data.content };
  }

  #takeDurable(event: SessionEvent): void {
    assert.equal(event.seq, (this.durable.at(-1)?.seq ?? 0) + 1, "durable events come once and in order");
    this.durable.push(event);
    if (event.type !== "assistant_response") return;
    if (this.running?.messageId === event.message_id) {
      assert.ok(event.content.startsWith(this.running.text), "what was streamed is what was stored");
    }
    this.running = null;
  }
}
