/** Starts the server again that this client had started, should it be gone. */
export type Revive = () => Promise<unknown>;

/**
 * A server that is gone, and whether to start another: one that crashed is started again at once; one that somebody
 * stopped only when something is asked of it, for who stops it wants it stopped.
 */
export class LostServer {
  readonly #revive: Revive | undefined;
  #isStopped = false;
  #isWanted = false;

  /** Without `revive` it is not ours to start. */
  constructor(revive: Revive | undefined) {
    this.#revive = revive;
  }

  get mayStart(): boolean {
    return this.#revive !== undefined;
  }

  /** It does not answer, once more. `saidBye`: it went on purpose. */
  lost(saidBye: boolean): void {
    if (saidBye) this.#isStopped = true;
    if (!this.#isStopped || this.#isWanted) this.#start();
  }

  back(): void {
    this.#isStopped = false;
    this.#isWanted = false;
  }

  /** Something is asked of it. */
  wanted(): void {
    if (!this.#isStopped) return;
    this.#isWanted = true;
    this.#start();
  }

  // A start that failed is tried again with the next attempt; that the server is gone is on the screen already.
  #start(): void {
    this.#revive?.().catch(() => undefined);
  }
}
