/** Discord shows it for 10 s, or until the bot's next message. */
const renewalMs = 8_000;
const durationMaxMs = 60_000;

/** Shows that the bot types for as long as it was asked to. */
export class Typing {
  readonly #show: (channelId: string) => Promise<void>;
  /** One for each channel where it is shown; each goes by itself within a minute. */
  readonly #channels = new Map<string, { untilMs: number; timer: NodeJS.Timeout }>();

  /** `show` never rejects. */
  constructor(show: (channelId: string) => Promise<void>) {
    this.#show = show;
  }

  async type(channelId: string, durationSeconds: number): Promise<void> {
    const shown = this.#channels.get(channelId);
    if (durationSeconds <= 0) {
      clearTimeout(shown?.timer);
      this.#channels.delete(channelId);
      return;
    }
    const untilMs = performance.now() + Math.min(durationSeconds * 1_000, durationMaxMs);
    if (shown) {
      shown.untilMs = untilMs;
      return;
    }
    this.#channels.set(channelId, { untilMs, timer: setTimeout(() => this.#renew(channelId), renewalMs) });
    await this.#show(channelId);
  }

  stop(): void {
    for (const { timer } of this.#channels.values()) clearTimeout(timer);
    this.#channels.clear();
  }

  #renew(channelId: string): void {
    const shown = this.#channels.get(channelId);
    if (!shown) return;
    if (shown.untilMs <= performance.now()) {
      this.#channels.delete(channelId);
      return;
    }
    shown.timer = setTimeout(() => this.#renew(channelId), renewalMs);
    void this.#show(channelId);
  }
}
