import type { ServerResponse } from "node:http";

import { encodeComment } from "../../../domain/stream/sse-frame.ts";

const keepAlive = encodeComment("keep-alive");
/** A client that takes nothing for so long is disconnected; it may resume. */
const stalledMaxMs = 60_000;
// Made once: without a reason each abort makes an error with a stack that nobody reads.
const gone = new Error("nobody waits for events any more");

/**
 * One client's connection as a stream of events. It has no queue: whoever writes waits with `flushed` until the
 * client has taken what it was given, and only then fetches more.
 */
export class EventStream {
  /** Fires when there is no point in waiting for events: the client has gone, or the server drains. */
  readonly signal: AbortSignal;
  /** Why the server drains, if it does. */
  drainReason: string | undefined;
  private readonly stopped = new AbortController();
  private readonly response: ServerResponse;
  private ticksSilent = 0;
  private written = false;
  private blockedLength = 0;
  private blockedSinceMs: number | undefined;

  private readonly onClose: () => void;

  constructor(response: ServerResponse, onClose: () => void) {
    this.response = response;
    this.signal = this.stopped.signal;
    this.onClose = () => {
      this.stopped.abort(gone);
      onClose();
    };
    response.once("close", this.onClose);
    // Such an error is followed by `close`, which is what counts.
    response.on("error", () => {});
  }

  /** To be called once `onClose` may be: a client can have hung up before there was a stream. */
  watch(): void {
    if (this.response.destroyed) this.onClose();
  }

  /** Gives the place back before anything was written: the response answers with something else. */
  release(): void {
    this.response.off("close", this.onClose);
    this.onClose();
  }

  get gone(): boolean {
    return this.response.destroyed || this.response.writableEnded;
  }

  begin(headers: Readonly<Record<string, string>>): void {
    this.response.writeHead(200, { ...headers, "content-type": "text/event-stream", "x-accel-buffering": "no" });
    // With the first block, if that comes at once: one packet instead of two.
    process.nextTick(() => {
      if (!this.written) this.response.flushHeaders();
    });
  }

  /** Several blocks together are one packet where they fit. */
  write(blocks: readonly Uint8Array[]): void {
    if (this.gone || blocks.length === 0) return;
    this.ticksSilent = 0;
    this.written = true;
    const [first, ...others] = blocks;
    // Not corked: Node lets go of the socket before it writes what was corked, each part by a system call of its own.
    this.response.write(others.length > 0 ? Buffer.concat(blocks) : first);
  }

  /** Resolves when the client can take more, or has gone. */
  async flushed(): Promise<void> {
    if (!this.response.writableNeedDrain || this.gone) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.response.off("drain", done);
        this.response.off("close", done);
        resolve();
      };
      this.response.on("drain", done);
      this.response.on("close", done);
    });
  }

  end(): void {
    if (!this.gone) this.response.end();
  }

  drain(reason: string): void {
    this.drainReason = reason;
    this.stopped.abort(gone);
  }

  /** Called by the one ticker of all streams: a comment after silence, the end after a stall. */
  tick(nowMs: number, ticksBetweenKeepAlives: number): void {
    if (this.response.writableNeedDrain) {
      const length = this.response.writableLength;
      if (this.blockedSinceMs === undefined || length !== this.blockedLength) {
        this.blockedSinceMs = nowMs;
        this.blockedLength = length;
      } else if (nowMs - this.blockedSinceMs >= stalledMaxMs) this.response.destroy();
      return;
    }
    this.blockedSinceMs = undefined;
    this.ticksSilent += 1;
    if (this.ticksSilent >= ticksBetweenKeepAlives) this.write([keepAlive]);
  }
}
