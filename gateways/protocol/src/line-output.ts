import type { Writable } from "node:stream";

import { toLine } from "./framing.ts";
import type { GatewayEvent } from "./messages.ts";

/** What may wait for the core to read it before something that nobody waits for is left out. Bytes. */
const unreadBytesMax = 1024 * 1024;

/** Lines to the core. A core that does not read holds up whoever writes, so that nothing piles up here. */
export class LineOutput {
  readonly #stream: Writable;
  readonly #pausing: (isFull: boolean) => void;
  #drained: Promise<void> | undefined;

  /** `pausing` is told when the pipe is full, and when it no longer is. */
  constructor(stream: Writable, pausing: (isFull: boolean) => void) {
    this.#stream = stream;
    this.#pausing = pausing;
  }

  /** Waits until there is room, and writes then if it is still wanted. Throws a RangeError for what is too long for a line. */
  async writeWithRoom(event: GatewayEvent, isWanted: () => boolean): Promise<void> {
    // Whoever writes first fills the pipe again: the others, who waited too, must look again.
    while (this.#drained) await this.#drained;
    if (isWanted()) this.write(event);
  }

  /** Throws a RangeError for what is too long for a line. */
  write(event: GatewayEvent): void {
    const hasRoom = this.#stream.write(toLine(event));
    if (hasRoom || this.#drained) return;
    this.#pausing(true);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#drained = promise;
    this.#stream.once("drain", () => {
      this.#drained = undefined;
      this.#pausing(false);
      resolve();
    });
  }

  /** `false`: left out, because too much is unread already. */
  offer(event: GatewayEvent): boolean {
    if (this.#stream.writableLength > unreadBytesMax) return false;
    this.write(event);
    return true;
  }

  /** Resolves when all that was written has left this process, or can not any more. */
  flushed(): Promise<void> {
    return new Promise((resolve) => {
      this.#stream.write("", () => resolve());
    });
  }
}
