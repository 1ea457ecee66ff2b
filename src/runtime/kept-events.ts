import type { SessionEvent } from "../schema/session-event.ts";

/** What readers are about to ask for stays whole: the newest events, as many as both allow. */
const wholeEvents = 256;
const wholeBytes = 256 * 1024;
/** What an event takes beside its text. */
const eventBytes = 512;

/**
 * The events of one log that memory holds, queued ones last: what requests are made from, and what readers ask for next.
 * What is let go of can be read from the store.
 */
export class KeptEvents {
  readonly all: SessionEvent[];
  /** An estimate of the memory that they take, and of what came since it was last thinned. */
  bytes: number;
  newBytes = 0;
  private durableCount: number;
  /** From this `seq` on none is missing. */
  private wholeFrom: number;

  /** `durable`: all of a log from some place on, up to `head`. */
  constructor(durable: SessionEvent[], head: number) {
    this.all = durable;
    this.durableCount = durable.length;
    this.wholeFrom = durable[0]?.seq ?? head + 1;
    this.bytes = sizeOf(durable);
  }

  /** One that is queued. */
  push(event: SessionEvent): void {
    this.all.push(event);
    const bytes = bytesOf(event);
    this.bytes += bytes;
    this.newBytes += bytes;
  }

  /** The oldest queued one is durable. */
  settle(): void {
    this.durableCount += 1;
  }

  /** Nothing of what is queued is going to be durable. */
  dropQueued(): void {
    this.all.length = this.durableCount;
    this.bytes = sizeOf(this.all);
  }

  durable(): SessionEvent[] {
    return this.durableCount === this.all.length ? this.all : this.all.slice(0, this.durableCount);
  }

  /** The durable ones after `seq`; `null` when some of them have been let go. */
  durableAfter(seq: number): SessionEvent[] | null {
    if (seq + 1 < this.wholeFrom) return null;
    let from = this.durableCount;
    while ((this.all[from - 1]?.seq ?? 0) > seq) from -= 1;
    return this.all.slice(from, this.durableCount);
  }

  /** Lets go of durable ones before `seq`, a place between turns. */
  forgetBefore(seq: number): void {
    const count = this.all.findIndex((event) => event.seq >= seq);
    if (count <= 0 || count > this.durableCount) return;
    this.all.splice(0, count);
    this.durableCount -= count;
    this.wholeFrom = Math.max(this.wholeFrom, this.all[0]?.seq ?? 0);
    this.bytes = sizeOf(this.all);
  }

  /** Lets go of durable ones that nobody needs, but for the newest. */
  thin(isNeeded: (event: SessionEvent) => boolean): void {
    this.newBytes = 0;
    const whole = this.newestWhole();
    const kept = this.all.filter((event, at) => at >= whole || isNeeded(event));
    const spent = this.all.length - kept.length;
    if (spent === 0) return;
    this.wholeFrom = this.all[whole]?.seq ?? this.wholeFrom;
    this.durableCount -= spent;
    for (const [at, event] of kept.entries()) this.all[at] = event;
    this.all.length = kept.length;
    this.bytes = sizeOf(kept);
  }

  /** Where the newest durable ones begin, of which there is always one. */
  private newestWhole(): number {
    let at = this.durableCount - 1;
    const first = Math.max(0, this.durableCount - wholeEvents);
    for (let bytes = 0; at > first; at -= 1) {
      bytes += bytesOf(this.all[at]);
      if (bytes > wholeBytes) break;
    }
    return Math.max(0, at);
  }
}

const sizeOf = (events: readonly SessionEvent[]): number => events.reduce((sum, event) => sum + bytesOf(event), 0);

const bytesOf = (event: SessionEvent | undefined): number =>
  event ? eventBytes + textUnits(event) + unseenUnits(event) : 0;

/** Length of what an event says to people and models, in UTF-16 units. */
export function textUnits(event: SessionEvent): number {
  if (event.type === "tool_result") return event.result.content.length;
  const calls = event.type === "assistant_response" && event.tool_calls ? JSON.stringify(event.tool_calls).length : 0;
  return calls + ("content" in event && typeof event.content === "string" ? event.content.length : 0);
}

/** The same of what else can be long. */
function unseenUnits(event: SessionEvent): number {
  switch (event.type) {
    case "assistant_response":
      return (event.thinking ?? "").length + (event.provider_state ? JSON.stringify(event.provider_state).length : 0);
    case "context_compacted":
      return event.summary.length;
    case "turn_start":
      return (event.notes ?? "").length;
    default:
      return 0;
  }
}
