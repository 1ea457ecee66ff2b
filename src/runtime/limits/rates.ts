import type { Clock } from "../../ports/clock.ts";
import type { RateCounters } from "../../ports/rate-counters.ts";
import type { Metrics } from "../../ports/telemetry.ts";
import type { Limits } from "../../schema/limits.ts";

/** Model calls that may wait for a rate at once, in all. */
export const waitingMax = 10_000;

const windows = [
  { key: "requests_per_minute", ms: 60_000, counts: "requests" },
  { key: "requests_per_hour", ms: 3_600_000, counts: "requests" },
  { key: "requests_per_day", ms: 86_400_000, counts: "requests" },
  { key: "tokens_per_minute", ms: 60_000, counts: "tokens" },
] as const;

/** One level's rates; `key` tells it from every other, `words` name it to a person. */
export type RateLevel = {
  key: string;
  kind: "server" | "provider" | "agent";
  words: string;
  rate: Limits["rate"];
};

export type RateRequest = {
  /** Asked anew each time: configuration may change while a call waits. */
  levels(): readonly RateLevel[];
  /** What the call is thought to take; set right by `settle`. */
  tokens: number;
  signal: AbortSignal;
  /** The call waits; `forMs` is null where that depends on other calls. */
  onWait(wait: Wait): void;
};

export type Wait = { forMs: number | null; reason: string };

/** `settle`: the call is over, and took so many tokens; without a number what was thought stands. */
export type Permit = { settle(tokens?: number): void };

type Held = { level: RateLevel; wait: Wait };
type Taken = { key: string; ms: number; endsAtMs: number; count: number; tokens: boolean };
type Waiter = {
  request: RateRequest;
  sinceMs: number;
  /** By which level it was held first. */
  held: RateLevel | null;
  answer(permit: Permit | "aborted"): void;
};

/**
 * Rate limits of model calls. Who comes first goes first wherever two wait for the same level; who waits for another
 * level is not held up.
 */
export class Rates {
  private readonly clock: Clock;
  private readonly counters: RateCounters;
  private readonly metrics: Metrics;
  private readonly inUse = new Map<string, number>();
  private waiting: Waiter[] = [];
  private isPumping = false;
  private pumpAgain = false;
  private cancelTimer: () => void = () => undefined;
  private isStopped = false;

  constructor(parts: { clock: Clock; rateCounters: RateCounters; metrics: Metrics }) {
    this.clock = parts.clock;
    this.counters = parts.rateCounters;
    this.metrics = parts.metrics;
    this.metrics.gauge("duragent_rate_waiting", () => this.waiting.length);
  }

  /** Resolves when the call may start; `full`: too many wait already. */
  acquire(request: RateRequest): Promise<Permit | "aborted" | "full"> {
    if (request.signal.aborted || this.isStopped) return Promise.resolve("aborted");
    if (request.levels().length === 0) return Promise.resolve({ settle: () => undefined });
    if (this.waiting.length >= waitingMax) return Promise.resolve("full");
    return new Promise((resolve) => {
      const onAbort = (): void => this.leave(waiter);
      const waiter: Waiter = {
        request,
        sinceMs: this.clock.monotonic(),
        held: null,
        answer: (permit) => {
          request.signal.removeEventListener("abort", onAbort);
          resolve(permit);
        },
      };
      request.signal.addEventListener("abort", onAbort, { once: true });
      this.waiting.push(waiter);
      this.pump();
    });
  }

  /** The server drains: who waits is sent back, and nobody waits any more. */
  stop(): void {
    this.isStopped = true;
    this.cancelTimer();
    for (const waiter of this.waiting.splice(0)) waiter.answer("aborted");
  }

  private leave(waiter: Waiter): void {
    this.waiting = this.waiting.filter((other) => other !== waiter);
    waiter.answer("aborted");
    this.pump();
  }

  /** One round at a time, so that what a round has seen of the counts still holds when it takes from them. */
  private pump(): void {
    this.pumpAgain = true;
    if (this.isPumping || this.isStopped) return;
    this.isPumping = true;
    void this.rounds().finally(() => {
      this.isPumping = false;
      if (this.pumpAgain && this.waiting.length > 0) this.pump();
    });
  }

  private async rounds(): Promise<void> {
    while (this.pumpAgain) {
      this.pumpAgain = false;
      this.cancelTimer();
      const nextMs = await this.round();
      if (nextMs !== null && !this.isStopped)
        this.cancelTimer = this.clock.after(Math.max(1, nextMs), () => this.pump());
    }
  }

  /** Lets in who may go; answers with the time until a window ends that somebody waits for. */
  private async round(): Promise<number | null> {
    const held = new Map<string, Held>();
    let nextMs: number | null = null;
    for (const waiter of this.waiting) {
      const levels = waiter.request.levels();
      const known = levels.map(({ key }) => held.get(key)).find((one) => one !== undefined);
      const found: Held | Taken[] = known ?? (await this.take(levels, waiter.request.tokens));
      if (Array.isArray(found)) {
        // It may have left while the counters were asked.
        if (this.waiting.includes(waiter)) this.letIn(waiter, levels, found);
        else this.giveBack(found);
        continue;
      }
      held.set(found.level.key, found);
      const { forMs } = found.wait;
      if (forMs !== null) nextMs = nextMs === null ? forMs : Math.min(nextMs, forMs);
      this.hold(waiter, found);
    }
    return nextMs;
  }

  private hold(waiter: Waiter, { level, wait }: Held): void {
    if (!waiter.held) this.metrics.add("duragent_rate_waits_total", { level: level.kind });
    waiter.held ??= level;
    if (this.waiting.includes(waiter)) waiter.request.onWait(wait);
  }

  private letIn(waiter: Waiter, levels: readonly RateLevel[], taken: Taken[]): void {
    this.waiting = this.waiting.filter((other) => other !== waiter);
    for (const { key } of levels) this.inUse.set(key, (this.inUse.get(key) ?? 0) + 1);
    if (waiter.held)
      this.metrics.observe("duragent_rate_wait_seconds", (this.clock.monotonic() - waiter.sinceMs) / 1000, {
        level: waiter.held.kind,
      });
    waiter.answer({
      settle: (tokens) => {
        for (const { key } of levels) this.leaveLevel(key);
        if (tokens !== undefined) this.setRight(taken, tokens);
        this.pump();
      },
    });
  }

  private leaveLevel(key: string): void {
    const left = (this.inUse.get(key) ?? 1) - 1;
    if (left > 0) this.inUse.set(key, left);
    else this.inUse.delete(key);
  }

  /** Takes a call from every window of every level, or from none. */
  private async take(levels: readonly RateLevel[], tokens: number): Promise<Held | Taken[]> {
    const full = levels.find(({ key, rate }) => (this.inUse.get(key) ?? 0) >= (rate?.concurrent_requests ?? Infinity));
    if (full)
      return {
        level: full,
        wait: { forMs: null, reason: reasonOf(full, "concurrent_requests", full.rate?.concurrent_requests) },
      };
    const taken: Taken[] = [];
    for (const level of levels)
      for (const { key: name, ms, counts } of windows) {
        const limit = level.rate?.[name];
        if (limit === undefined) continue;
        const key = `${level.key}/${name}`;
        // One that is larger than its window takes a whole one.
        const count = counts === "tokens" ? Math.min(tokens, limit) : 1;
        const answer = await this.counters.take(key, { ms, limit }, count);
        if (!answer.taken) {
          this.giveBack(taken);
          return { level, wait: { forMs: answer.resetMs, reason: reasonOf(level, name, limit) } };
        }
        const endsAtMs = this.clock.monotonic() + answer.resetMs;
        taken.push({ key, ms, endsAtMs, count, tokens: counts === "tokens" });
      }
    return taken;
  }

  private giveBack(taken: readonly Taken[]): void {
    for (const { key, ms, count } of taken) void this.counters.correct(key, ms, -count);
  }

  private setRight(taken: readonly Taken[], tokens: number): void {
    for (const one of taken)
      if (one.tokens && this.clock.monotonic() < one.endsAtMs)
        void this.counters.correct(one.key, one.ms, tokens - one.count);
  }
}

const reasonOf = (level: RateLevel, key: string, limit: number | undefined): string =>
  `${level.words} allows ${key}: ${limit}`;
