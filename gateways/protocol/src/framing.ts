import { lineBytesMax } from "./messages.ts";

const startBytes = 4 * 1024;
const newline = 10;
const carriageReturn = 13;

/**
 * Bytes in, lines out. Splits at "\n" only (readline also splits at U+2028, which is legal inside a JSON string) and drops a
 * "\r" before it. However a stream is cut into pieces, characters stay whole; what is no UTF-8 becomes U+FFFD. At most
 * `bytesMax` of a line are kept: a longer one is skipped to its end, or for ever.
 */
export class LineReader {
  readonly #onLine: (line: string) => void;
  readonly #onSkipped: (() => void) | undefined;
  readonly #bytesMax: number;
  // Not told of a byte order mark: a line is what was sent.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #held = new Uint8Array(0);
  #length = 0;
  #isTooLong = false;
  #skipped = 0;

  constructor(onLine: (line: string) => void, options: { bytesMax?: number; onSkipped?: () => void } = {}) {
    this.#onLine = onLine;
    this.#onSkipped = options.onSkipped;
    this.#bytesMax = options.bytesMax ?? lineBytesMax;
  }

  /** Lines that were too long so far; one is counted as soon as it is known. */
  get skipped(): number {
    return this.#skipped;
  }

  add(chunk: Uint8Array): void {
    let start = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, start)) {
      this.#hold(chunk.subarray(start, at));
      this.#endLine();
      start = at + 1;
    }
    if (start < chunk.length) this.#hold(chunk.subarray(start));
  }

  /** The stream has ended: what came after the last newline is a line too. */
  end(): void {
    if (this.#length > 0 || this.#isTooLong) this.#endLine();
  }

  #hold(piece: Uint8Array): void {
    if (this.#isTooLong) return;
    const length = this.#length + piece.length;
    if (length > this.#bytesMax) {
      this.#isTooLong = true;
      this.#held = new Uint8Array(0);
      this.#skipped += 1;
      this.#onSkipped?.();
      return;
    }
    if (length > this.#held.length) {
      const larger = new Uint8Array(Math.max(startBytes, 2 * this.#held.length, length));
      larger.set(this.#held.subarray(0, this.#length));
      this.#held = larger;
    }
    this.#held.set(piece, this.#length);
    this.#length = length;
  }

  #endLine(): void {
    const wasTooLong = this.#isTooLong;
    const length = this.#held[this.#length - 1] === carriageReturn ? this.#length - 1 : this.#length;
    this.#isTooLong = false;
    this.#length = 0;
    if (wasTooLong) return;
    const line = this.#decoder.decode(this.#held.subarray(0, length));
    // One long line must not cost its memory for ever.
    if (this.#held.length > 16 * startBytes) this.#held = new Uint8Array(0);
    this.#onLine(line);
  }
}

/** A message as its line, with the newline. Throws a RangeError for one that the other side would skip as too long. */
export function toLine(message: object): string {
  // Legal in JSON, but a reader that splits at what Unicode calls a line would cut there.
  const json = JSON.stringify(message).replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
  const bytes = Buffer.byteLength(json);
  if (bytes > lineBytesMax)
    throw new RangeError(`a message of ${bytes} bytes is longer than a line may be, ${lineBytesMax} bytes`);
  return `${json}\n`;
}
