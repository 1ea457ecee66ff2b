import { PassThrough } from "node:stream";

import type { ArtifactRef } from "../../ports/artifact-store.ts";
import { LastBytes } from "./last-bytes.ts";

/** Kept for the result: all, or as much of the beginning and the end. */
const keptBytesMax = 256 * 1024;
const partBytes = keptBytesMax / 2;
/** Stored and shown live; what comes after is counted only. */
export const storedBytesMax = 64 * 1024 ** 2;
/** Waiting for the artifact store; then the command waits. */
const queuedBytesMax = 1024 ** 2;

/** `artifact`: where the whole is, or why it is nowhere. */
export type OutputText = { text: string; totalBytes: number; artifact?: ArtifactRef | Error };

/** What a command wrote, in bounded memory: what is more than the result can hold goes to an artifact as it comes. */
export class CommandOutput {
  readonly #store: (content: AsyncIterable<Uint8Array>) => Promise<ArtifactRef>;
  #head: Buffer[] = [];
  readonly #tail = new LastBytes(partBytes);
  #totalBytes = 0;
  #queue: PassThrough | null = null;
  #stored: Promise<ArtifactRef | Error> | null = null;

  /** Latest bytes that came after the store was full, as they are. */
  readonly #raw = new LastBytes(partBytes);
  #isWaiting = false;
  /** Called when `add` may be called again after it said `false`. */
  onDrain: () => void = () => undefined;

  constructor(store: (content: AsyncIterable<Uint8Array>) => Promise<ArtifactRef>) {
    this.#store = store;
  }

  /** Whether the artifact store has to catch up first. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** Whether more would only be counted. */
  get isFull(): boolean {
    return this.#totalBytes >= storedBytesMax;
  }

  /** `false`: no more until `onDrain` is called. */
  add(text: string): boolean {
    const bytes = Buffer.from(text);
    const before = this.#totalBytes;
    this.#totalBytes += bytes.length;
    if (this.#stored === null && this.#totalBytes <= keptBytesMax) {
      this.#head.push(bytes);
      return true;
    }
    const queue = this.#stored === null ? this.#overflow() : this.#queue;
    this.#tail.add(bytes);
    const room = storedBytesMax - before;
    if (queue === null || room <= 0) return true;
    this.#isWaiting = !queue.write(room < bytes.length ? wholeCharacters(bytes.subarray(0, room)) : bytes);
    return !this.#isWaiting;
  }

  /** Once it is full: counted, and its end kept in case that it is the end of all. */
  count(bytes: Buffer): void {
    this.#totalBytes += bytes.length;
    this.#raw.add(bytes);
  }

  /** Resolves when the artifact, if one is needed, is durable. `signal`: it has taken too long. `redact`: for what was only counted. */
  async finish(signal: AbortSignal, redact: (text: string) => string): Promise<OutputText> {
    if (this.#stored === null) return { text: Buffer.concat(this.#head).toString(), totalBytes: this.#totalBytes };
    const giveUp = (): void => void this.#queue?.destroy(new Error("storing it took too long"));
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp, { once: true });
    this.#queue?.end();
    const artifact = await this.#stored;
    signal.removeEventListener("abort", giveUp);
    this.#tail.add(Buffer.from(redact(this.#raw.bytes.toString())));
    const head = wholeCharacters(Buffer.concat(this.#head));
    const tail = fromWholeCharacter(this.#tail.bytes);
    return {
      text: `${head.toString()}\n${cutMark(this.#totalBytes - head.length - tail.length, artifact, this.#totalBytes)}\n${tail.toString()}`,
      totalBytes: this.#totalBytes,
      artifact,
    };
  }

  #overflow(): PassThrough {
    const whole = Buffer.concat(this.#head);
    this.#head = [whole.subarray(0, partBytes)];
    this.#tail.add(whole.subarray(partBytes));
    const queue = new PassThrough({ highWaterMark: queuedBytesMax });
    queue.on("drain", () => this.#drained());
    // What went wrong is said by `#stored`, which ends with the stream.
    queue.on("error", () => undefined);
    queue.write(whole);
    this.#queue = queue;
    this.#stored = this.#store(queue)
      .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        // Also where the store gave up early: the command must not wait for one that reads no more.
        this.#queue = null;
        queue.destroy();
        this.#drained();
      });
    return queue;
  }

  #drained(): void {
    this.#isWaiting = false;
    this.onDrain();
  }
}

function cutMark(leftOutBytes: number, artifact: ArtifactRef | Error, totalBytes: number): string {
  const what = `[… ${leftOutBytes} bytes left out`;
  if (artifact instanceof Error) return `${what}; the whole could not be kept: ${artifact.message} …]`;
  const cut = totalBytes > storedBytesMax ? `the first ${storedBytesMax} of ${totalBytes} bytes are` : "the whole is";
  return `${what}; ${cut} in the artifact ${artifact.name} …]`;
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** Without a last character of which a part is missing. */
function wholeCharacters(bytes: Buffer): Buffer {
  let start = bytes.length - 1;
  while (start > 0 && isContinuation(bytes[start])) start -= 1;
  const first = bytes[start] ?? 0;
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 1;
  return start >= 0 && start + length > bytes.length ? bytes.subarray(0, start) : bytes;
}

function fromWholeCharacter(bytes: Buffer): Buffer {
  let start = 0;
  while (isContinuation(bytes[start])) start += 1;
  return bytes.subarray(start);
}
