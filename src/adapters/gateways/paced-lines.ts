import type { Readable } from "node:stream";

import type { Clock } from "../../ports/clock.ts";
import { boundedLines } from "../bounded-lines.ts";
import { releaseMemory } from "../release-memory.ts";

const linesPerSecondMax = 1_000;
/** Four of the longest lines: to check one takes milliseconds, in which nobody else is served. */
const bytesPerSecondMax = 4 * 1024 * 1024;

type Parts = {
  clock: Clock;
  lineBytesMax: number;
  /** Whether there is room for one more. Where there was none, `proceed` is called once there is. */
  hasRoom(): boolean;
  /** `null`: a line that was longer than allowed. */
  take(line: string | null): void;
};

/** The lines of a pipe, 1,000 or 4 MiB a second at most and only while there is room: what is beyond is not read, and its writer waits. */
export class PacedLines {
  readonly #stream: Readable;
  readonly #parts: Parts;
  #lines: (string | null)[] = [];
  #next = 0;
  #takenThisSecond = 0;
  #bytesThisSecond = 0;
  #hasSecond = false;
  #isFinal = false;
  #heldBack = false;

  constructor(stream: Readable, parts: Parts) {
    this.#stream = stream;
    this.#parts = parts;
    const split = boundedLines(parts.lineBytesMax, (line) => this.#lines.push(line));
    stream.on("data", (chunk: Buffer) => {
      this.#bytesThisSecond += chunk.length;
      split(chunk);
      releaseMemory(chunk);
      this.proceed();
    });
  }

  /** Whether something waited in the pipe since this was asked last: then answers may be among it. */
  wasHeldBack(): boolean {
    const was = this.#heldBack;
    this.#heldBack = this.#stream.isPaused();
    return was;
  }

  /** Takes what waits and may be taken. */
  proceed(): void {
    this.#startSecond();
    while (this.#next < this.#lines.length && this.#mayTake()) {
      const line = this.#lines[this.#next] ?? null;
      this.#next += 1;
      this.#takenThisSecond += 1;
      this.#parts.take(line);
    }
    if (this.#next < this.#lines.length) return this.#holdBack();
    this.#lines = [];
    this.#next = 0;
    if (this.#bytesThisSecond >= bytesPerSecondMax && !this.#isFinal) return this.#holdBack();
    if (this.#stream.isPaused()) this.#stream.resume();
  }

  /** The writer has ended: what it left in the pipe, which is not much, is taken at once. */
  finish(): void {
    this.#isFinal = true;
    this.proceed();
  }

  #mayTake(): boolean {
    return this.#isFinal || (this.#takenThisSecond < linesPerSecondMax && this.#parts.hasRoom());
  }

  #holdBack(): void {
    this.#heldBack = true;
    this.#stream.pause();
  }

  #startSecond(): void {
    if (this.#hasSecond) return;
    this.#hasSecond = true;
    this.#parts.clock.after(1_000, () => {
      this.#hasSecond = false;
      this.#takenThisSecond = 0;
      this.#bytesThisSecond = 0;
      if (this.#stream.isPaused()) this.proceed();
    });
  }
}
