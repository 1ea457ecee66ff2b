import type { InboundEvent } from "../../ports/gateway-host.ts";

/** Handled beside each other. */
const handledMax = 64;
/** Read already, so that answers to commands, which come by the same pipe, are heard while handlers wait for them. */
const waitingMax = 1_000;
const waitingBytesMax = 4 * 1024 * 1024;

type Parts = {
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

  constructor(parts: Parts) {
    this.#parts = parts;
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
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#waitingBytes -= next.bytes;
      this.#handled += 1;
      void this.#handle(next.event);
    }
  }

  async #handle(event: InboundEvent): Promise<void> {
    await this.#parts.handle(event);
    this.#handled -= 1;
    const wasFull = this.isFull;
    this.#handOn();
    if (wasFull && !this.isFull) this.#parts.onRoom();
  }
}
