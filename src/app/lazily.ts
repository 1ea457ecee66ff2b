export type Lazily<Value> = {
  /** Opens it the first time; where that fails, the next call tries again. */
  get(): Promise<Value>;
  /** What is open, or being opened. */
  readonly started: Promise<Value> | undefined;
  /** What is open. */
  readonly opened: Value | undefined;
};

/** Something that is opened when it is wanted, once. */
export function lazily<Value>(open: () => Promise<Value>): Lazily<Value> {
  let started: Promise<Value> | undefined;
  let opened: Value | undefined;
  return {
    get() {
      started ??= open().then(
        (value) => (opened = value),
        (error: unknown) => {
          started = undefined;
          throw error;
        },
      );
      return started;
    },
    get started() {
      return started;
    },
    get opened() {
      return opened;
    },
  };
}
