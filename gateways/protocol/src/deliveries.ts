import type { Command, GatewayEvent } from "./messages.ts";

type Delivered = GatewayEvent<"message_received" | "callback_query">;
type Waiting = { readonly event: Delivered; readonly acknowledged: () => void };

/** What was handed to the core and is not known to be durable yet. */
export class Deliveries {
  readonly #waiting = new Set<Waiting>();

  /** Resolves when an `ack` for `event` comes; rejects with the reason of the first signal that fires. */
  async acknowledged(event: Delivered, signals: readonly AbortSignal[]): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const signal = AbortSignal.any([...signals]);
    const waiting = { event, acknowledged: resolve };
    const stop = (): void => reject(signal.reason);
    this.#waiting.add(waiting);
    signal.addEventListener("abort", stop);
    try {
      signal.throwIfAborted();
      await promise;
    } finally {
      signal.removeEventListener("abort", stop);
      this.#waiting.delete(waiting);
    }
  }

  take(ack: Command<"ack">): void {
    for (const { event, acknowledged } of this.#waiting) if (isFor(ack, event)) acknowledged();
  }
}

function isFor(ack: Command<"ack">, event: Delivered): boolean {
  if (ack.chat_id !== undefined && ack.chat_id !== event.chat_id) return false;
  return event.type === "callback_query"
    ? ack.callback_query_id === event.callback_query_id
    : ack.message_id === event.message_id;
}
