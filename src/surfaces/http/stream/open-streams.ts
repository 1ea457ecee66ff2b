import type { ServerResponse } from "node:http";

import type { Clock } from "../../../ports/clock.ts";
import { DuragentError } from "../../../schema/problem.ts";
import type { SessionId } from "../../../schema/ids.ts";
import { EventStream } from "./event-stream.ts";

export type StreamLimits = { streams: number; streamsPerSession: number; keepAliveMs: number; clock: Clock };

/** Ticks in the time of one keep-alive: silence is noticed this much too early at most. */
const ticksPerKeepAlive = 4;
const tickMaxMs = 15_000;

/** Every open stream of one server: their number is bounded, and one ticker keeps all of them alive. */
export class OpenStreams {
  private readonly open = new Set<EventStream>();
  private readonly perSession = new Map<SessionId, number>();
  private readonly limits: StreamLimits;
  private readonly tickMs: number;
  private ticking = false;
  private drainReason: string | undefined;

  constructor(limits: StreamLimits) {
    this.limits = limits;
    this.tickMs = Math.min(tickMaxMs, Math.max(1, limits.keepAliveMs / ticksPerKeepAlive));
  }

  get size(): number {
    return this.open.size;
  }

  /** Takes a place; throws `overloaded` or `rate-limited` when there is none. `closed` gives it back, always. */
  start(sessionId: SessionId, response: ServerResponse): EventStream {
    if (this.open.size >= this.limits.streams) {
      throw new DuragentError("overloaded", "This server has as many open streams as server.max_streams allows.", {
        retryAfterMs: 5000,
      });
    }
    const ofSession = this.perSession.get(sessionId) ?? 0;
    if (ofSession >= this.limits.streamsPerSession) {
      throw new DuragentError(
        "rate-limited",
        "This session has as many open streams as server.max_streams_per_session allows.",
        {
          retryAfterMs: 5000,
        },
      );
    }
    const stream: EventStream = new EventStream(response, () => this.leave(stream, sessionId));
    this.open.add(stream);
    this.perSession.set(sessionId, ofSession + 1);
    stream.watch();
    if (this.drainReason !== undefined) stream.drain(this.drainReason);
    this.tickLater();
    return stream;
  }

  drain(reason: string): void {
    this.drainReason = reason;
    for (const stream of this.open) stream.drain(reason);
  }

  private leave(stream: EventStream, sessionId: SessionId): void {
    if (!this.open.delete(stream)) return;
    const left = (this.perSession.get(sessionId) ?? 1) - 1;
    if (left > 0) this.perSession.set(sessionId, left);
    else this.perSession.delete(sessionId);
  }

  private tickLater(): void {
    if (this.ticking) return;
    this.ticking = true;
    this.limits.clock.after(this.tickMs, () => {
      this.ticking = false;
      const nowMs = this.limits.clock.monotonic();
      for (const stream of this.open) stream.tick(nowMs, ticksPerKeepAlive - 1);
      if (this.open.size > 0) this.tickLater();
    });
  }
}
