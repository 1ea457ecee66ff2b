/** Work by key: in order within a key, keys beside each other. What waits is what its callers wait for. */
export class SerialLanes {
  private readonly last = new Map<string, Promise<void>>();

  /** Resolves when the work is done; work that throws does not keep what follows from running. */
  run(key: string, work: () => Promise<void>): Promise<void> {
    const before = this.last.get(key) ?? Promise.resolve();
    const done = before.then(work);
    const settled: Promise<void> = done.then(
      () => this.left(key, settled),
      () => this.left(key, settled),
    );
    this.last.set(key, settled);
    return done;
  }

  /** Resolves when nothing that was begun or waits is left. */
  async idle(): Promise<void> {
    while (this.last.size > 0) await Promise.all(this.last.values());
  }

  private left(key: string, settled: Promise<void>): void {
    if (this.last.get(key) === settled) this.last.delete(key);
  }
}
