import { errorText, type Core, type GatewayEvent } from "@duragent/gateway-protocol";

/** What Slack was told about before the core had it is held here; more is left to Slack, which delivers it again. */
const waitingMax = 1_000;
const knownMax = 2 * waitingMax;
/** Slack delivers again what is not acknowledged within 3 s. */
const usualAckMs = 2_500;

export type Inbound = GatewayEvent<"message_received" | "callback_query">;
/** `durable`, `late` (will be) and `ignored` are acknowledged to Slack; `full` and `stopped` are not. */
export type Taken = "durable" | "late" | "ignored" | "full" | "stopped";

/** What Slack has delivered, on its way to the core: in order within a chat, each once however often Slack brings it. */
export class Handovers {
  readonly #core: Pick<Core, "deliver" | "log" | "stopping">;
  readonly #ackMs: number;
  readonly #known = new Map<string, Promise<Taken>>();
  readonly #lanes = new Map<string, Promise<void>>();
  #waiting = 0;

  constructor(core: Pick<Core, "deliver" | "log" | "stopping">, ackMs = usualAckMs) {
    this.#core = core;
    this.#ackMs = ackMs;
  }

  /**
   * Resolves when the core has durably what `make` gives, after `ackMs` at the latest; then it is still handed over until it
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
    const timer = setTimeout(resolve, this.#ackMs, "late");
    const first = await Promise.race([taken, late]);
    clearTimeout(timer);
    if (first === "late") {
      this.#core.log(
        `${id} of ${chatId} was not durable after ${this.#ackMs} ms: Slack is told that it came, and it is handed over until it is durable`,
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
      if (event === undefined) return "ignored";
      await this.#core.deliver(event);
      return "durable";
    } catch (error) {
      if (this.#core.stopping.aborted) return "stopped";
      this.#core.log(`a message of ${chatId} could not be read: ${errorText(error)}`);
      return "ignored";
    } finally {
      if (this.#lanes.get(chatId) === lane) this.#lanes.delete(chatId);
    }
  }
}
