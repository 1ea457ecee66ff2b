import { formatCursor } from "../domain/stream/cursor.ts";
import type { SessionEvent } from "../schema/session-event.ts";
import { durableFrame, isActivity, liveFrame, tokenFrame, type LiveFeed, type RunningText } from "./live-feed.ts";
import type { Cursor, SessionReader, StreamFrame } from "./runtime.ts";
import type { SessionLog } from "./session-log.ts";

/** What a reader reads; another takes its place when the session had to be opened again. */
export type ReadSource = { readonly log: SessionLog; readonly feed: LiveFeed; readonly closed: boolean };

export type ReadAccess = {
  /** The session as it lives now; opens it if it does not. */
  source(): Promise<ReadSource>;
  /** Durable events that are no longer in memory, fetched as they are taken. */
  read(after: number, limit: number): AsyncIterable<SessionEvent>;
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
  /** The newest live entry when it came. */
  private joinedAt: number;
  /** There was more than could be taken at once. */
  private isBehind = true;
  private wake: (() => void) | null = null;
  private signal: AbortSignal | null = null;
  private heard: LiveFeed | null = null;
  private unlisten: () => void = () => undefined;
  private readonly access: ReadAccess;
  private current: ReadSource;

  constructor(access: ReadAccess, source: ReadSource, from: Cursor) {
    this.access = access;
    this.current = source;
    this.position = from.seq;
    this.joinedAt = source.feed.newest;
    this.shown = from.call === undefined ? null : { call: from.call, offset: from.offset ?? 0 };
  }

  async take(maxBytes: number): Promise<StreamFrame[]> {
    if (this.current.closed && !this.endsHere()) await this.reopen();
    const { log, feed } = this.current;
    this.isBehind = false;
    const frames: StreamFrame[] = [];
    let bytes = 0;
    const push = (frame: StreamFrame): void => {
      frames.push(frame);
      bytes += frame.wire.length;
    };
    const head = log.durable.seq;
    const recent = log.kept.durableAfter(this.position);
    for (const event of recent ?? []) {
      if (bytes >= maxBytes) return this.more(frames);
      this.passDurable(event, feed, push);
    }
    if (recent === null) {
      // One after the other: a page of large events for each of many readers would fill the memory and be read again and again.
      for await (const event of this.access.read(this.position, pageEvents)) {
        this.passDurable(event, feed, push);
        if (bytes >= maxBytes) return this.more(frames);
      }
    }
    // What is left is of types that a newer program wrote, to be ignored by others.
    if (frames.length === 0) this.position = Math.max(this.position, head);
    if (this.position < log.durable.seq) return this.more(frames);
    this.takeText(feed, push, () => bytes >= maxBytes);
    for (const entry of feed.entries) {
      if (entry.n <= this.lastEntry || entry.afterSeq > this.position) continue;
      // Who comes later is told by `ready` what the session does.
      if (entry.n > this.joinedAt || !isActivity(entry.frame)) push(entry.frame);
      this.lastEntry = entry.n;
    }
    if (bytes >= maxBytes) return this.more(frames);
    this.finished = log.durable.ended && this.position >= log.durable.seq;
    return frames;
  }

  wait(signal: AbortSignal): Promise<void> {
    if (signal.aborted || this.isBehind || this.hasNews()) return Promise.resolve();
    this.listenOnce(signal);
    return new Promise((resolve) => {
      this.wake = () => {
        this.wake = null;
        resolve();
      };
    });
  }

  close(): void {
    this.unlisten();
    this.wake?.();
    this.access.release();
  }

  /** Once for each signal and feed: a thousand readers would do it at every event. */
  private listenOnce(signal: AbortSignal): void {
    if (this.signal !== signal) signal.addEventListener("abort", () => this.wake?.());
    this.signal = signal;
    const { feed } = this.current;
    if (this.heard === feed) return;
    this.unlisten();
    this.heard = feed;
    // Most of what changes shows nothing: nobody is woken for it.
    this.unlisten = feed.listen(() => {
      if (this.wake && this.hasNews()) this.wake();
    });
  }

  /** Whether `take` would give or do anything. */
  private hasNews(): boolean {
    const { log, feed, closed } = this.current;
    if (closed || log.durable.seq > this.position || (log.durable.ended && !this.finished)) return true;
    const { running, entries } = feed;
    if ((entries.at(-1)?.n ?? 0) > this.lastEntry) return true;
    if (!running || running.baseSeq > this.position) return false;
    if (this.shown?.call === running.call) return this.shown.offset !== running.text.length;
    return this.shown !== null || running.text !== "";
  }

  /** A life that was let go of tells its last events; after an end there is no next one. */
  private endsHere(): boolean {
    const { log } = this.current;
    return log.durable.ended && log.kept.durableAfter(this.position) !== null;
  }

  private more(frames: StreamFrame[]): StreamFrame[] {
    this.isBehind = true;
    return frames;
  }

  private async reopen(): Promise<void> {
    this.current = await this.access.source();
    this.lastEntry = 0;
    this.joinedAt = 0;
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
