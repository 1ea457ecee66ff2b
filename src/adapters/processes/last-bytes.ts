/** The last bytes of many, copied into memory that is taken once: what they came in can go at once. */
export class LastBytes {
  readonly #max: number;
  #ring: Buffer | null = null;
  #end = 0;
  #isFull = false;

  constructor(max: number) {
    this.#max = max;
  }

  add(bytes: Uint8Array): void {
    this.#ring ??= Buffer.allocUnsafeSlow(this.#max);
    const last = bytes.subarray(Math.max(0, bytes.length - this.#max));
    const first = last.subarray(0, this.#max - this.#end);
    this.#ring.set(first, this.#end);
    this.#ring.set(last.subarray(first.length), 0);
    this.#isFull ||= this.#end + last.length >= this.#max;
    this.#end = (this.#end + last.length) % this.#max;
  }

  /** In their order. */
  get bytes(): Buffer {
    if (this.#ring === null) return Buffer.alloc(0);
    const newest = this.#ring.subarray(0, this.#end);
    return this.#isFull ? Buffer.concat([this.#ring.subarray(this.#end), newest]) : newest;
  }
}
