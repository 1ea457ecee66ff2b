import { setTimeout as pause } from "node:timers/promises";

import type { Command, GatewayEvent } from "./messages.ts";

type Delivered = GatewayEvent<"message_received" | "callback_query">;
type Waiting = { readonly event: Delivered; readonly acknowledged: () => void };

type Options = {
  /** Waits for room, and writes then if it is still wanted. */
  readonly write: (event: Delivered, isWanted: () => boolean) => Promise<void>;
  readonly log: (message: string) => void;
  /** Whether the core says what it has. One that does not is taken at its reading. */
  readonly isAcknowledged?: () => boolean;
  /** How long the core may take before it is handed the same again; doubled up to the last. */
  readonly againAfterMs?: { readonly first: number; readonly last: number };
};

/** What was handed to the core and is not known to be durable yet. Bounded by whoever hands over, who waits for it. */
export class Deliveries {
  readonly #options: Options;
  readonly #waiting = new Set<Waiting>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** Hands `event` over until an `ack` for it comes: the core takes the same twice without harm. Rejects with the signal's reason. */
  async handOver(event: Delivered, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { event, acknowledged: resolve };
    const stop = (): void => reject(signal.reason);
    const over = new AbortController();
    this.#waiting.add(waiting);
    signal.addEventListener("abort", stop);
    // What can not be written, because it is too long for a line, is never acknowledged either.
    this.#writeUntil(waiting, over.signal).catch(reject);
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", stop);
      this.#waiting.delete(waiting);
      over.abort();
    }
  }

  take(ack: Command<"ack">): void {
    for (const { event, acknowledged } of this.#waiting) if (isFor(ack, event)) acknowledged();
  }

  async #writeUntil({ event, acknowledged }: Waiting, over: AbortSignal): Promise<void> {
    const { write, log, isAcknowledged = () => true, againAfterMs = { first: 10_000, last: 60_000 } } = this.#options;
    for (let waitMs = againAfterMs.first; ; waitMs = Math.min(waitMs * 2, againAfterMs.last)) {
      await write(event, () => !over.aborted);
      if (!isAcknowledged()) return acknowledged();
      await pause(waitMs, undefined, { signal: over }).catch(() => {
        // It is over: seen below.
      });
      if (over.aborted) return;
      log(`the core has not kept ${nameOf(event)} in ${waitMs / 1_000} s; it is handed over again`);
    }
  }
}

function isFor(ack: Command<"ack">, event: Delivered): boolean {
  if (ack.chat_id !== undefined && ack.chat_id !== event.chat_id) return false;
  return event.type === "callback_query"
    ? ack.callback_query_id === event.callback_query_id
    : ack.message_id === event.message_id;
}

function nameOf(event: Delivered): string {
  const id = event.type === "callback_query" ? `press ${event.callback_query_id}` : `message ${event.message_id}`;
  return `${id} of chat ${event.chat_id}`;
}
