import type { Clock } from "../../ports/clock.ts";
import type { InboundEvent } from "../../ports/gateway-host.ts";

/** Handled beside each other. */
const handledMax = 64;
/** Handed on at once after a rest. */
const burstMax = 200;
/** Handed on for as long as more wait: each may be a turn, and a flood must leave the processor and the disk to others. */
const perSecondMax = 25;
/** What an event of a chat counts that has not been heard of lately: a session is opened for it, and perhaps made. */
const newChatCost = 5;
const chatsKnownMax = 1_000;
const restMs = 10;
/** Read already, so that answers to commands, which come by the same pipe, are heard while handlers wait for them. */
const waitingMax = 1_000;
const waitingBytesMax = 4 * 1024 * 1024;

type Parts = {
  clock: Clock;
  /** Never rejects. */
  handle(event: InboundEvent): Promise<void>;
  /** It was full and is not any more. */
  onRoom(): void;
};

/** The events of one gateway, handed on in their order; outlives its runs, so that a crash loop gets no more room. */
export class InboundEvents {
  readonly #parts: Parts;
  #waiting: { event: InboundEvent; bytes: number }[] = [];
  #waitingBytes = 0;
  #handled = 0;
  #allowed = burstMax;
  #allowedAtMs: number;
  #isResting = false;
  /** Chats of the newest events, the longest silent one first. */
  readonly #chats = new Set<string>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#allowedAtMs = parts.clock.monotonic();
  }

  get count(): number {
    return this.#handled + this.#waiting.length;
  }

  get isFull(): boolean {
    return this.#waiting.length >= waitingMax || this.#waitingBytes >= waitingBytesMax;
  }

  /** `false`: it is full, and this one was not taken. */
  add(event: InboundEvent, bytes: number): boolean {
    if (this.isFull) return false;
    this.#waiting.push({ event, bytes });
    this.#waitingBytes += bytes;
    this.#handOn();
    return true;
  }

  #handOn(): void {
    while (this.#handled < handledMax) {
      const [next] = this.#waiting;
      if (next === undefined || !this.#mayGoOn(next.event)) return;
      this.#waiting.shift();
      this.#waitingBytes -= next.bytes;
      this.#handled += 1;
      void this.#handle(next.event);
    }
  }

  #mayGoOn({ chat_id: chatId }: InboundEvent): boolean {
    const { clock } = this.#parts;
    const atMs = clock.monotonic();
    this.#allowed = Math.min(burstMax, this.#allowed + ((atMs - this.#allowedAtMs) / 1_000) * perSecondMax);
    this.#allowedAtMs = atMs;
    const cost = this.#chats.has(chatId) ? 1 : newChatCost;
    if (this.#allowed >= cost) {
      this.#allowed -= cost;
      this.#heardOf(chatId);
      return true;
    }
    if (!this.#isResting) {
      this.#isResting = true;
      clock.after(restMs, () => {
        this.#isResting = false;
        this.#goOn();
      });
    }
    return false;
  }

  #heardOf(chatId: string): void {
    this.#chats.delete(chatId);
    this.#chats.add(chatId);
    const [longest] = this.#chats;
    if (this.#chats.size > chatsKnownMax && longest !== undefined) this.#chats.delete(longest);
  }

  async #handle(event: InboundEvent): Promise<void> {
    await this.#parts.handle(event);
    this.#handled -= 1;
    this.#goOn();
  }

  #goOn(): void {
    const wasFull = this.isFull;
    this.#handOn();
    if (wasFull && !this.isFull) this.#parts.onRoom();
  }
}
