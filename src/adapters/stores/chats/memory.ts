import type { Chat, ChatIndex, SeenMessage } from "../../../ports/chat-index.ts";
import type { Clock } from "../../../ports/clock.ts";
import type { SessionId } from "../../../schema/ids.ts";
import { SeenRows } from "./seen-rows.ts";

/** What has been seen, in memory: for tests and simulations. `rows` survives an index that is opened again on it. */
export class MemoryChatIndex implements ChatIndex {
  readonly #clock: Clock;
  readonly #rows: Map<string, SeenRows>;

  constructor({ clock, rows = new Map() }: { clock: Clock; rows?: Map<string, SeenRows> }) {
    this.#clock = clock;
    this.#rows = rows;
  }

  has({ gateway, chatId }: Chat, key: string): boolean {
    return this.#rows.get(gateway)?.has(chatId, key, this.#clock.now()) ?? false;
  }

  through(id: SessionId): number {
    return Math.max(0, ...[...this.#rows.values()].map((rows) => rows.through(id)));
  }

  note(seen: readonly SeenMessage[]): Promise<void> {
    for (const one of seen) {
      const rows = this.#rows.get(one.chat.gateway) ?? new SeenRows();
      this.#rows.set(one.chat.gateway, rows);
      rows.note(one);
    }
    return Promise.resolve();
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
