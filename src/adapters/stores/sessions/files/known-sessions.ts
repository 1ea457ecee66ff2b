import type { SessionId } from "../../../../schema/ids.ts";

/** Every session of the folder, by id. `head` is null until it is known without opening the log. */
export class KnownSessions {
  readonly #heads = new Map<SessionId, number | null>();
  /** Oldest first; ids of one process only rise, so an insertion is nearly always at the end. */
  readonly #sorted: SessionId[] = [];

  has(id: SessionId): boolean {
    return this.#heads.has(id);
  }

  head(id: SessionId): number | null {
    return this.#heads.get(id) ?? null;
  }

  set(id: SessionId, head: number | null): void {
    if (!this.#heads.has(id)) this.#sorted.splice(this.#position(id), 0, id);
    this.#heads.set(id, head);
  }

  delete(id: SessionId): void {
    if (!this.#heads.delete(id)) return;
    this.#sorted.splice(this.#position(id), 1);
  }

  /** Newest first; `after` is excluded. */
  page(after: SessionId | undefined, limit: number): SessionId[] {
    const end = after === undefined ? this.#sorted.length : this.#position(after);
    return this.#sorted.slice(Math.max(0, end - limit), end).reverse();
  }

  #position(id: SessionId): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#sorted[middle] ?? "") < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
