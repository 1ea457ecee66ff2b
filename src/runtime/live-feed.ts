import { encodeFrame } from "../domain/stream/sse-frame.ts";
import { formatCursor } from "../domain/stream/cursor.ts";
import type { SessionEvent } from "../schema/session-event.ts";
import type { StreamFrame } from "./runtime.ts";

type LiveName = Extract<StreamFrame, { kind: "live" }>["name"];

/** The text of the model call that runs now: kept whole, so that every reader is only a position in it. */
export type RunningText = {
  readonly turnId: string;
  readonly messageId: string;
  /** Short id of this try: the last 8 characters of `messageId`. */
  readonly call: string;
  /** Shown only to readers that have had every durable event up to here. */
  readonly baseSeq: number;
  text: string;
  /** Where the newest piece begins. */
  lastStart: number;
};

export type LiveEntry = { n: number; afterSeq: number; frame: StreamFrame };

const sharedFramesMax = 256;
/** Of all entries together, as they go over the wire; the newest is kept whatever its size. */
const entriesBytesMax = 4 * 1024 * 1024;

/** What is shown to attached clients and never stored. Bounded by `bufferSize` entries and 4 MiB besides the running text. */
export class LiveFeed {
  running: RunningText | null = null;
  entries: LiveEntry[] = [];
  /** Raised by whatever a reader could want to see. */
  version = 0;
  private count = 0;
  private entriesBytes = 0;
  private readonly listeners = new Set<() => void>();
  private readonly shared = new Map<string, StreamFrame>();
  private bufferSize: number;

  constructor(bufferSize: number) {
    this.bufferSize = bufferSize;
  }

  resize(bufferSize: number): void {
    this.bufferSize = bufferSize;
  }

  changed(): void {
    this.version += 1;
    for (const listener of this.listeners) listener();
  }

  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** A try of a model call begins; text of the one before is void. */
  beginText(turnId: string, messageId: string, baseSeq: number): void {
    this.running = { turnId, messageId, call: messageId.slice(-8), baseSeq, text: "", lastStart: 0 };
    this.changed();
  }

  addText(text: string): void {
    if (!this.running || text === "") return;
    this.running.lastStart = this.running.text.length;
    this.running.text += text;
    this.changed();
  }

  /** Its response is durable, or there will be none. */
  endText(): void {
    this.running = null;
    this.keep([]);
    this.shared.clear();
    this.changed();
  }

  add(name: LiveName, afterSeq: number, data: Record<string, unknown>): void {
    this.count += 1;
    // What a session did before is of no use to anybody.
    if (name === "activity") this.keep(this.entries.filter(({ frame }) => !isActivity(frame)));
    const frame = liveFrame(name, data);
    this.entries.push({ n: this.count, afterSeq, frame });
    this.entriesBytes += frame.wire.length;
    while (this.entries.length > this.bufferSize || (this.entries.length > 1 && this.entriesBytes > entriesBytesMax))
      this.entriesBytes -= this.entries.shift()?.frame.wire.length ?? 0;
    this.changed();
  }

  private keep(entries: LiveEntry[]): void {
    this.entries = entries;
    this.entriesBytes = entries.reduce((sum, { frame }) => sum + frame.wire.length, 0);
  }

  /** The number of the newest entry. */
  get newest(): number {
    return this.count;
  }

  /** One frame for all readers that stand at the same place. */
  share(key: string, make: () => StreamFrame): StreamFrame {
    const known = this.shared.get(key);
    if (known) return known;
    const frame = make();
    if (this.shared.size >= sharedFramesMax) this.shared.clear();
    this.shared.set(key, frame);
    return frame;
  }
}

export const isActivity = (frame: StreamFrame): boolean => frame.kind === "live" && frame.name === "activity";

export function liveFrame(name: LiveName, data: Record<string, unknown>, id?: string): StreamFrame {
  const wire = encodeFrame({ ...(id === undefined ? {} : { id }), event: name, data: JSON.stringify(data) });
  return id === undefined ? { kind: "live", name, data, wire } : { kind: "live", id, name, data, wire };
}

export function tokenFrame(running: RunningText, seq: number, start: number, end: number): StreamFrame {
  const data = {
    turn_id: running.turnId,
    message_id: running.messageId,
    content: running.text.slice(start, end),
    offset: start,
  };
  return liveFrame("token", data, formatCursor({ seq, offset: end, call: running.call }));
}

export function durableFrame(event: SessionEvent, id: string): StreamFrame {
  return {
    kind: "durable",
    id,
    event,
    wire: encodeFrame({ id, event: event.type, data: JSON.stringify(event) }),
  };
}
