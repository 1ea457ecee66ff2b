const startsMax = 256;

/** Where some writes began, so that a position near the head is found without a search through the file. */
export class WriteStarts {
  #starts: { seq: number; offset: number }[] = [];

  note(seq: number, offset: number): void {
    this.#starts.push({ seq, offset });
    // Every second one goes: what stays is still spread over the log.
    if (this.#starts.length > startsMax) this.#starts = this.#starts.filter((_, index) => index % 2 === 1);
  }

  /** Offsets of line starts between which the event with `seq` begins; `end` where nothing later is known. */
  around(seq: number, end: number): { low: number; high: number } {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#starts[middle]?.seq ?? 0) <= seq) low = middle + 1;
      else high = middle;
    }
    return { low: this.#starts[low - 1]?.offset ?? 0, high: this.#starts[low]?.offset ?? end };
  }
}
