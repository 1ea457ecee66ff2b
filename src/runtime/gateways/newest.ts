/** A map of the newest entries: one more than `max` makes the oldest go. */
export class Newest<Value> {
  private readonly max: number;
  private readonly entries = new Map<string, Value>();

  constructor(max: number) {
    this.max = max;
  }

  get(key: string): Value | undefined {
    return this.entries.get(key);
  }

  set(key: string, value: Value): void {
    this.entries.delete(key);
    this.entries.set(key, value);
    const [oldest] = this.entries.keys();
    if (this.entries.size > this.max && oldest !== undefined) this.entries.delete(oldest);
  }
}
