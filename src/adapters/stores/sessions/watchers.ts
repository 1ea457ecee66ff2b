import type { SessionWatch } from "../../../ports/session-store.ts";
import type { SessionId } from "../../../schema/ids.ts";

type Hint = { id: SessionId; head: number };

/** Hands hints to whoever watches in this process. A watcher keeps one hint per session, so it needs no bound. */
export class Watchers {
  readonly #watches = new Set<Watch>();

  hint(id: SessionId, head: number): void {
    for (const watch of this.#watches) watch.offer(id, head);
  }

  watch(signal: AbortSignal): SessionWatch {
    const watch = new Watch(signal, () => this.#watches.delete(watch));
    if (!signal.aborted) this.#watches.add(watch);
    return watch;
  }

  /** Ends every watch. */
  close(): void {
    for (const watch of this.#watches) watch.end();
    this.#watches.clear();
  }
}

class Watch implements SessionWatch {
  readonly #ids = new Set<SessionId>();
  readonly #waiting = new Map<SessionId, number>();
  readonly #release: () => void;
  #wakeReader: (() => void) | null = null;
  #ended = false;

  constructor(signal: AbortSignal, release: () => void) {
    this.#release = release;
    if (signal.aborted) this.#ended = true;
    else signal.addEventListener("abort", () => this.end(), { once: true });
  }

  add(id: SessionId): void {
    this.#ids.add(id);
  }

  remove(id: SessionId): void {
    this.#ids.delete(id);
    this.#waiting.delete(id);
  }

  offer(id: SessionId, head: number): void {
    if (!this.#ids.has(id)) return;
    this.#waiting.set(id, head);
    this.#wakeReader?.();
  }

  end(): void {
    this.#ended = true;
    this.#release();
    this.#wakeReader?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Hint> {
    while (!this.#ended) {
      const [next] = this.#waiting;
      if (next) {
        this.#waiting.delete(next[0]);
        yield { id: next[0], head: next[1] };
        continue;
      }
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
      this.#wakeReader = null;
    }
  }
}
