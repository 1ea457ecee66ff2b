import type { SessionInfo } from "@discordjs/ws";

/** Discord keeps what happens for a connection that is away for some minutes. */
const resumableMs = 5 * 60_000;
/** The connection was cut, or none came about: no word from Discord. */
const cut = 1006;

/**
 * Where each shard's connection stands, to go on there. The library forgets it when a cut connection can not be opened
 * again at the first try, and all that is said meanwhile would be lost: here it is kept until Discord itself says no.
 */
export class Sessions {
  readonly #sessions = new Map<number, SessionInfo>();
  readonly #cutAtMs = new Map<number, number>();

  readonly retrieve = (shardId: number): SessionInfo | null => this.#sessions.get(shardId) ?? null;

  readonly update = (shardId: number, session: SessionInfo | null): void => {
    if (session) {
      this.#sessions.set(shardId, session);
      return;
    }
    const cutAtMs = this.#cutAtMs.get(shardId);
    if (cutAtMs === undefined || performance.now() - cutAtMs > resumableMs) this.#sessions.delete(shardId);
  };

  closed(shardId: number, code: number): void {
    if (code !== cut) this.#cutAtMs.delete(shardId);
    else if (!this.#cutAtMs.has(shardId)) this.#cutAtMs.set(shardId, performance.now());
  }

  /** Discord speaks again. */
  opened(shardId: number): void {
    this.#cutAtMs.delete(shardId);
  }
}
