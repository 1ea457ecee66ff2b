import assert from "node:assert/strict";
import { isUtf8 } from "node:buffer";
import { PassThrough } from "node:stream";

import type { ArtifactRef } from "../../ports/artifact-store.ts";
import { releaseMemory } from "../release-memory.ts";
import { LastBytes } from "./last-bytes.ts";
import { fromWholeCharacter, isUnreadable, wholeCharacters } from "../whole-characters.ts";

/** Kept for the result: all, or as much of the beginning and the end; with how it ended it is to be within 256 KiB. */
const keptBytesMax = 255 * 1024;
const partBytes = keptBytesMax / 2;
/** Stored and shown live; what comes after is counted only. */
export const storedBytesMax = 64 * 1024 ** 2;
/** Waiting for the artifact store, of at most 64 KiB each as pipes are read; then the command waits. */
const queuedPiecesMax = 16;

/** As far as it was seen when it began to be stored. */
export type OutputKind = "text" | "binary";

type Store = (content: AsyncIterable<Uint8Array>, kind: OutputKind) => Promise<ArtifactRef>;

/** `artifact`: where the whole is, or why it is nowhere. */
export type OutputText = { text: string; totalBytes: number; artifact?: ArtifactRef | Error };

/** What a command wrote, in bounded memory: what is more than the result can hold goes to an artifact as it comes. */
export class CommandOutput {
  readonly #store: Store;
  #head: Buffer[] = [];
  readonly #tail = new LastBytes(partBytes);
  #totalBytes = 0;
  #queue: PassThrough | null = null;
  #stored: Promise<ArtifactRef | Error> | null = null;

  /** Latest bytes that came after the store was full, as they are. */
  readonly #raw = new LastBytes(partBytes);
  #kind: OutputKind = "text";
  #isWaiting = false;
  /** Called when `add` may be called again after it said `false`. */
  onDrain: () => void = () => undefined;

  constructor(store: Store) {
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

  /** Whole characters, where it is a text. `false`: no more until `onDrain` is called. */
  add(bytes: Buffer): boolean {
    if (this.#kind === "text" && (bytes.includes(0) || !isUtf8(bytes))) this.#kind = "binary";
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
  async finish(signal: AbortSignal, redact: (bytes: Buffer) => Buffer): Promise<OutputText> {
    const text = this.#stored === null ? Buffer.concat(this.#head).toString() : null;
    if (text !== null && !isUnreadable(text)) return { text, totalBytes: this.#totalBytes };
    if (this.#stored === null) this.#overflow();
    return this.#finishStored(signal, redact);
  }

  async #finishStored(signal: AbortSignal, redact: (bytes: Buffer) => Buffer): Promise<OutputText> {
    assert(this.#stored);
    const giveUp = (): void => void this.#queue?.destroy(new Error("storing it took too long"));
    if (signal.aborted) giveUp();
    else signal.addEventListener("abort", giveUp, { once: true });
    this.#queue?.end();
    const artifact = await this.#stored;
    signal.removeEventListener("abort", giveUp);
    this.#tail.add(redact(this.#raw.bytes));
    const head = wholeCharacters(Buffer.concat(this.#head));
    const tail = fromWholeCharacter(this.#tail.bytes);
    const totalBytes = this.#totalBytes;
    const [begin, end] = [head.toString(), tail.toString()];
    const leftOut = `${totalBytes - head.length - tail.length} bytes left out`;
    const text =
      this.#kind === "binary" && isUnreadable(begin + end)
        ? `[binary output, ${totalBytes} bytes${wholeIn(artifact, totalBytes)}]`
        : `${begin}\n[… ${leftOut}${wholeIn(artifact, totalBytes)} …]\n${end}`;
    return { text, totalBytes, artifact };
  }

  #overflow(): PassThrough {
    const whole = Buffer.concat(this.#head);
    this.#head = [Buffer.from(whole.subarray(0, partBytes))];
    this.#tail.add(whole.subarray(partBytes));
    // Pieces, not bytes: else what waits is joined into one more copy, and the pieces are left to the garbage collector.
    const queue = new PassThrough({ objectMode: true, highWaterMark: queuedPiecesMax });
    queue.on("drain", () => this.#drained());
    // What went wrong is said by `#stored`, which ends with the stream.
    queue.on("error", () => undefined);
    queue.write(whole);
    this.#queue = queue;
    this.#stored = this.#store(taken(queue), this.#kind)
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

/** A piece is read by the time that the next one is asked for. */
async function* taken(queue: PassThrough): AsyncGenerator<Uint8Array> {
  for await (const piece of queue) {
    assert(piece instanceof Uint8Array);
    yield piece;
    releaseMemory(piece);
  }
}

function wholeIn(artifact: ArtifactRef | Error, totalBytes: number): string {
  if (artifact instanceof Error) return `; the whole could not be kept: ${artifact.message}`;
  const cut = totalBytes > storedBytesMax ? `the first ${storedBytesMax} of ${totalBytes} bytes are` : "the whole is";
  return `; ${cut} in the artifact ${artifact.name}`;
}
