import { formatCursor } from "../domain/stream/cursor.ts";
import type { SessionEvent } from "../schema/session-event.ts";
import { durableFrame, liveFrame, tokenFrame, type LiveFeed, type RunningText } from "./live-feed.ts";
import type { Cursor, SessionReader, StreamFrame } from "./runtime.ts";
import type { SessionLog } from "./session-log.ts";

/** What a reader reads; another takes its place when the session had to be opened again. */
export type ReadSource = { readonly log: SessionLog; readonly feed: LiveFeed; readonly closed: boolean };

export type ReadAccess = {
  /** The session as it lives now; opens it if it does not. */
  source(): Promise<ReadSource>;
  /** Durable events that are no longer in memory. */
  read(after: number, limit: number): Promise<SessionEvent[]>;
  release(): void;
};

const pageEvents = 500;
// A reader far behind gets the running text in pieces of this many UTF-16 units.
const pieceUnits = 16_384;

/** Follows one session from a cursor: a position in its log, and in the text that runs. */
export class LogReader implements SessionReader {
  position: number;
  finished = false;
  private shown: { call: string; offset: number } | null;
  private lastEntry = 0;
  private seenVersion = -1;
  private readonly access: ReadAccess;
  private current: ReadSource;

  constructor(access: ReadAccess, source: ReadSource, from: Cursor) {
    this.access = access;
    this.current = source;
    this.position = from.seq;
    this.shown = from.call === undefined ? null : { call: from.call, offset: from.offset ?? 0 };
  }

  async take(maxBytes: number): Promise<StreamFrame[]> {
    if (this.current.closed) await this.reopen();
    const { log, feed } = this.current;
    this.seenVersion = feed.version;
    const frames: StreamFrame[] = [];
    let bytes = 0;
    const push = (frame: StreamFrame): void => {
      frames.push(frame);
      bytes += frame.wire.length;
    };
    const events = log.durableAfter(this.position) ?? (await this.access.read(this.position, pageEvents));
    for (const event of events) {
      if (bytes >= maxBytes) return this.more(frames);
      this.passDurable(event, feed, push);
    }
    if (this.position < log.durable.seq) return this.more(frames);
    this.takeText(feed, push, () => bytes >= maxBytes);
    for (const entry of feed.entries) {
      if (entry.n <= this.lastEntry || entry.afterSeq > this.position) continue;
      push(entry.frame);
      this.lastEntry = entry.n;
    }
    if (bytes >= maxBytes) return this.more(frames);
    this.finished = log.durable.ended && this.position >= log.durable.seq;
    return frames;
  }

  wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.current.closed || this.current.feed.version !== this.seenVersion)
      return Promise.resolve();
    return new Promise((resolve) => {
      const stop = (): void => {
        unlisten();
        signal.removeEventListener("abort", stop);
        resolve();
      };
      const unlisten = this.current.feed.listen(stop);
      signal.addEventListener("abort", stop);
    });
  }

  close(): void {
    this.access.release();
  }

  private more(frames: StreamFrame[]): StreamFrame[] {
    this.seenVersion = -1;
    return frames;
  }

  private async reopen(): Promise<void> {
    this.current = await this.access.source();
    this.lastEntry = 0;
  }

  private passDurable(event: SessionEvent, feed: LiveFeed, push: (frame: StreamFrame) => void): void {
    // A turn that failed in the middle of its text: what was shown of it stands nowhere.
    if (event.type === "turn_end" && this.shown && this.shown.offset > 0 && event.outcome === "failed")
      push(liveFrame("token_reset", {}));
    if (event.type === "assistant_response" || event.type === "turn_end") this.shown = null;
    const { running } = feed;
    const streams = running !== null && this.shown?.call === running.call;
    const id = formatCursor(streams && this.shown ? { seq: event.seq, ...this.shown } : { seq: event.seq });
    push(feed.share(id, () => durableFrame(event, id)));
    this.position = event.seq;
  }

  private takeText(feed: LiveFeed, push: (frame: StreamFrame) => void, isFull: () => boolean): void {
    const { running } = feed;
    if (!running || running.baseSeq > this.position) return;
    const shown = this.standIn(running, push);
    while (shown.offset < running.text.length && !isFull()) {
      const start = shown.offset;
      const end = pieceEnd(running, start);
      const seq = this.position;
      push(feed.share(`${seq}.${start}.${end}.${running.call}`, () => tokenFrame(running, seq, start, end)));
      shown.offset = end;
    }
  }

  /** Where this reader stands in the running text; from 0, after a reset, if it was shown another's. */
  private standIn(running: RunningText, push: (frame: StreamFrame) => void): { call: string; offset: number } {
    const fits = this.shown?.call === running.call && this.shown.offset <= running.text.length;
    if (this.shown && fits) return this.shown;
    if (this.shown) push(liveFrame("token_reset", { message_id: running.messageId }));
    this.shown = { call: running.call, offset: 0 };
    return this.shown;
  }
}

/** The end of the piece that begins at `start`; several pieces at once for a reader that is behind. */
function pieceEnd({ text, lastStart }: RunningText, start: number): number {
  if (start >= lastStart) return text.length;
  const end = Math.min(text.length, start + pieceUnits);
  if (end === text.length) return end;
  // Never inside a surrogate pair.
  const unit = text.charCodeAt(end - 1);
  return unit >= 0xd800 && unit <= 0xdbff ? end - 1 : end;
}
