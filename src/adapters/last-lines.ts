import { boundedLines } from "./bounded-lines.ts";

const linesMax = 5;
const lineLengthMax = 300;

/** The last of what a program says, bounded: five lines of 300 characters. Each line goes on to `onLine`, too, as it comes. */
export class LastLines {
  readonly #lines: string[] = [];
  readonly #take: (chunk: Buffer) => void;

  constructor(lineBytesMax: number, onLine: (line: string) => void) {
    this.#take = boundedLines(lineBytesMax, (line) => {
      if (line === null || line.trim() === "") return;
      onLine(line);
      this.#lines.push(line.trim().slice(0, lineLengthMax));
      if (this.#lines.length > linesMax) this.#lines.shift();
    });
  }

  add(chunk: Buffer): void {
    this.#take(chunk);
  }

  get text(): string {
    return this.#lines.join("; ");
  }
}
