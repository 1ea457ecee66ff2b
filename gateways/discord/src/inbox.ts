import type { Core, GatewayEvent } from "@duragent/gateway-protocol";

type Delivered = GatewayEvent<"message_received" | "callback_query">;

/** Messages that the core does not have yet. */
const pendingMax = 1_000;
const againAfterMs = { first: 30_000, most: 300_000 };

/**
 * Discord says everything once: what the core does not confirm is handed over again for as long as this program runs.
 * Beyond 1,000 that wait the oldest is given up, and said so.
 */
export class Inbox {
  readonly #core: Core;
  readonly #pending = new Map<string, AbortController>();

  constructor(core: Core) {
    this.#core = core;
  }

  take(event: Delivered): void {
    const id = event.type === "message_received" ? event.message_id : event.callback_query_id;
    // The same again, as after a resumed connection: the first is still on its way.
    if (this.#pending.has(id)) return;
    const [oldest] = this.#pending;
    if (this.#pending.size >= pendingMax && oldest) {
      const [oldId, givenUp] = oldest;
      this.#core.log(`${pendingMax} messages wait for the core: message ${oldId} is given up`);
      this.#pending.delete(oldId);
      givenUp.abort();
    }
    const giveUp = new AbortController();
    this.#pending.set(id, giveUp);
    void this.#handOver(event, AbortSignal.any([giveUp.signal, this.#core.stopping])).finally(() => {
      if (this.#pending.get(id) === giveUp) this.#pending.delete(id);
    });
  }

  async #handOver(event: Delivered, giveUp: AbortSignal): Promise<void> {
    for (let waitMs = againAfterMs.first; !giveUp.aborted; waitMs = Math.min(waitMs * 2, againAfterMs.most)) {
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), waitMs);
      const over = AbortSignal.any([giveUp, late.signal]);
      try {
        return await this.#core.deliver(event, over);
      } catch (error) {
        if (over.aborted) continue;
        this.#core.log(`a message could not be handed over: ${error instanceof Error ? error.message : String(error)}`);
        await new Promise<void>((resolve) => over.addEventListener("abort", () => resolve(), { once: true }));
      } finally {
        clearTimeout(timer);
      }
    }
  }
}
