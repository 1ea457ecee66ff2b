import assert from "node:assert/strict";

import type { Ledger } from "./ledger.ts";

/** What clients know of the server: where it listens now, or that it is gone. */
export class World {
  readonly ledger: Ledger;
  readonly random: () => number;
  #up = Promise.withResolvers<{ port: number }>();
  #count = 0;
  isOver = false;

  constructor(ledger: Ledger, random: () => number) {
    this.ledger = ledger;
    this.random = random;
  }

  came(port: number): void {
    this.#up.resolve({ port });
  }

  /** Called before it is killed. */
  goes(): void {
    this.#up = Promise.withResolvers();
  }

  /** A name like no other in this world. */
  name(prefix: string): string {
    this.#count += 1;
    return `${prefix}-${this.#count}`;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.random() * items.length)];
    assert.ok(item !== undefined);
    return item;
  }

  /** Tries until it is answered: a connection that breaks is tried again on the next server, for as long as kills explain it. */
  async persist<Result>(attempt: (place: { port: number }) => Promise<Result>): Promise<Result> {
    let failuresHere = 0;
    for (let before: object | undefined; ;) {
      const up = await this.#up.promise;
      failuresHere = up === before ? failuresHere + 1 : 0;
      before = up;
      try {
        return await attempt(up);
      } catch (error) {
        if (!isBroken(error)) throw error;
        // The first may be the kill itself, seen before `goes`.
        if (failuresHere > 3) throw error;
        await new Promise((resolve) => setImmediate(resolve));
      }
    }
  }
}

/** The connection ended before its answer did. */
export class Broken extends Error {}

function isBroken(error: unknown): boolean {
  if (error instanceof Broken) return true;
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "ECONNRESET" || code === "ECONNREFUSED" || code === "EPIPE";
}

/** Mulberry32: the same seed gives the same numbers everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
