import { errorText, type Core, type GatewayEvent } from "@duragent/gateway-protocol";

type Delivered = GatewayEvent<"message_received" | "callback_query">;

/** Messages that the core does not have yet. */
const pendingMax = 1_000;

/**
 * Discord says everything once: what the core does not confirm is kept for as long as this program runs.
 * Beyond 1,000 that wait the oldest is given up, and said so.
 */
export class Inbox {
  readonly #core: Core;
  readonly #pending = new Map<string, AbortController>();

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * `read` gives what there is to hand over, if anything. `settled` is called when it is the core's, or given up: not when
   * this program ends before that.
   */
  take(id: string, read: () => Promise<Delivered | undefined>, settled: () => void): void {
    // The same again, as after a resumed connection: the first is still on its way, and settles both.
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
    void this.#handOver(read, giveUp.signal).finally(() => {
      if (this.#pending.get(id) === giveUp) this.#pending.delete(id);
      if (!this.#core.stopping.aborted) settled();
    });
  }

  async #handOver(read: () => Promise<Delivered | undefined>, giveUp: AbortSignal): Promise<void> {
    try {
      const event = await read();
      if (event) await this.#core.deliver(event, giveUp);
    } catch (error) {
      if (giveUp.aborted || this.#core.stopping.aborted) return;
      this.#core.log(`what Discord said could not be read or handed over: ${errorText(error)}`);
    }
  }
}
