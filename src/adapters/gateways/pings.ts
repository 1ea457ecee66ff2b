import type { GatewayEvent } from "@duragent/gateway-protocol";

import type { Clock } from "../../ports/clock.ts";

const intervalMs = 30_000;
const missedMax = 3;
const unreachableMs = 120_000;
const askedMs = 10_000;

type Pong = GatewayEvent<"pong">;

type Parts = {
  clock: Clock;
  /** `false`: could not be sent. */
  send(requestId: string): boolean;
  /** Whether the pipe that an answer comes by was not read for a while since the last call: then it is no fault of the gateway. */
  wasHeldBack(): boolean;
  /** Whether the program is known to answer pings: a program that does not know them is not ended for its silence. */
  answersPings(): boolean;
  heard(pong: Pong): void;
  /** It hangs. */
  onSilent(why: string): void;
  /** It has not reached its platform for so long, which is 2 minutes. */
  onUnreachable(forMs: number): void;
};

/** Asks one run of a gateway every 30 s whether it lives and reaches its platform. */
export class Pings {
  readonly #parts: Parts;
  /** What was asked and has no answer; at most the regular one and those that somebody waits for. */
  readonly #open = new Map<string, (pong: Pong | null) => void>();
  #regular: string | undefined;
  #missed = 0;
  #unreachableSinceMs: number | undefined;
  #disarm: () => void;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#disarm = parts.clock.after(intervalMs, () => this.#tick());
  }

  /** Asks at once, beside the regular ones; `null`: no answer within 10 s. */
  async ask(): Promise<{ pong: Pong; tookMs: number } | null> {
    const { clock } = this.#parts;
    const askedAtMs = clock.monotonic();
    const { promise, resolve } = Promise.withResolvers<Pong | null>();
    const id = this.#send(resolve);
    if (id === null) return null;
    const disarm = clock.after(askedMs, () => {
      this.#open.delete(id);
      resolve(null);
    });
    const pong = await promise;
    disarm();
    return pong && { pong, tookMs: clock.monotonic() - askedAtMs };
  }

  /** `false`: nobody asked, or not any more. */
  answered(pong: Pong): boolean {
    const resolve = this.#open.get(pong.request_id);
    if (!resolve) return false;
    this.#open.delete(pong.request_id);
    this.#missed = 0;
    this.#parts.heard(pong);
    resolve(pong);
    this.#noteReach(pong.connected);
    return true;
  }

  /** Asks now and not only at the next turn: what it has become should show. */
  now(): void {
    if (this.#regular === undefined || !this.#open.has(this.#regular)) this.#askRegularly();
  }

  close(): void {
    this.#disarm();
    for (const resolve of this.#open.values()) resolve(null);
    this.#open.clear();
  }

  #tick(): void {
    this.#disarm = this.#parts.clock.after(intervalMs, () => this.#tick());
    const wasHeldBack = this.#parts.wasHeldBack();
    if (this.#regular !== undefined && (this.#regular === "" || this.#open.delete(this.#regular)) && !wasHeldBack)
      this.#missed += 1;
    if (this.#missed >= missedMax && this.#parts.answersPings())
      return this.#parts.onSilent(`it has not answered ${this.#missed} pings in a row`);
    this.#askRegularly();
  }

  #askRegularly(): void {
    // One that can not be sent, because nothing is read, counts as not answered.
    this.#regular = this.#send(() => undefined) ?? "";
  }

  #send(resolve: (pong: Pong | null) => void): string | null {
    const id = `ping_${this.#parts.clock.ulid()}`;
    this.#open.set(id, resolve);
    if (this.#parts.send(id)) return id;
    this.#open.delete(id);
    return null;
  }

  #noteReach(connected: boolean): void {
    const now = this.#parts.clock.monotonic();
    if (connected) this.#unreachableSinceMs = undefined;
    else this.#unreachableSinceMs ??= now;
    const forMs = now - (this.#unreachableSinceMs ?? now);
    if (forMs >= unreachableMs) this.#parts.onUnreachable(forMs);
  }
}
