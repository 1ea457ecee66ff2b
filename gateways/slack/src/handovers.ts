import type { Core, GatewayEvent } from "@duragent/gateway-protocol";

/** Slack delivers again what is not acknowledged within 3 s. */
const ackWaitMs = 2_500;
/** What Slack was told about before the core had it is held here; more is left to Slack, which delivers it again. */
const waitingMax = 1_000;
const knownMax = 2_000;
const firstRetryMs = 10_000;
const retryMaxMs = 60_000;

export type Inbound = GatewayEvent<"message_received" | "callback_query">;
/** `durable`, `late` (will be) and `ignored` are acknowledged to Slack; `full` and `stopped` are not. */
export type Taken = "durable" | "late" | "ignored" | "full" | "stopped";

/** What Slack has delivered, on its way to the core: in order within a chat, each once however often Slack brings it. */
export class Handovers {
  readonly #core: Core;
  readonly #known = new Map<string, Promise<Taken>>();
  readonly #lanes = new Map<string, Promise<void>>();
  #waiting = 0;

  constructor(core: Core) {
    this.#core = core;
  }

  /**
   * Resolves when the core has durably what `make` gives, after 2.5 s at the latest; then it is still handed over until it
   * is durable. `make` may take its time: what comes later in the same chat waits for it.
   */
  async take({ chatId, id }: { chatId: string; id: string }, make: () => Promise<Inbound | undefined>): Promise<Taken> {
    const key = `${chatId} ${id}`;
    const taken = this.#known.get(key) ?? this.#begin(key, chatId, make);
    if (taken === undefined) {
      this.#core.log(`${id} of ${chatId} was left to Slack: ${waitingMax} messages wait for the core`);
      return "full";
    }
    const { promise: late, resolve } = Promise.withResolvers<Taken>();
    const timer = setTimeout(resolve, ackWaitMs, "late");
    const first = await Promise.race([taken, late]);
    clearTimeout(timer);
    if (first === "late") {
      this.#core.log(
        `${id} of ${chatId} was not durable after ${ackWaitMs} ms: Slack is told that it came, and it is handed over until it is durable`,
      );
    }
    return first;
  }

  #begin(key: string, chatId: string, make: () => Promise<Inbound | undefined>): Promise<Taken> | undefined {
    if (this.#waiting >= waitingMax) return undefined;
    this.#waiting += 1;
    const taken = this.#handOver(chatId, make).finally(() => (this.#waiting -= 1));
    this.#known.set(key, taken);
    const [oldest] = this.#known.keys();
    if (this.#known.size > knownMax && oldest !== undefined) this.#known.delete(oldest);
    return taken;
  }

  async #handOver(chatId: string, make: () => Promise<Inbound | undefined>): Promise<Taken> {
    const before = this.#lanes.get(chatId);
    const made = (async () => {
      await before;
      return make();
    })();
    const lane = made.then(
      () => undefined,
      () => undefined,
    );
    this.#lanes.set(chatId, lane);
    try {
      const event = await made;
      return event === undefined ? "ignored" : await this.#untilDurable(event);
    } catch (error) {
      this.#core.log(
        `a message of ${chatId} could not be read: ${error instanceof Error ? error.message : String(error)}`,
      );
      return "ignored";
    } finally {
      if (this.#lanes.get(chatId) === lane) this.#lanes.delete(chatId);
    }
  }

  async #untilDurable(event: Inbound): Promise<Taken> {
    for (let waitMs = firstRetryMs; ; waitMs = Math.min(2 * waitMs, retryMaxMs)) {
      const wait = AbortSignal.timeout(waitMs);
      try {
        await this.#core.deliver(event, wait);
        return "durable";
      } catch (error) {
        if (this.#core.stopping.aborted) return "stopped";
        if (!wait.aborted) throw error;
        // Nothing has come back in time: the core takes the same twice without harm.
      }
    }
  }
}
