import type { OpenSend, SessionState } from "../domain/session/state.ts";
import type { SessionId } from "../schema/ids.ts";
import { DuragentError } from "../schema/problem.ts";
import type { LivingSession } from "./living-session.ts";
import { enter } from "./session-commands.ts";
import type { SessionRegistry } from "./session-registry.ts";

/** What is blocked is woken when that is over; this is for a change that nobody told. */
const blockedMs = 60_000;
const recordBaseMs = 1_000;
const recordMaxMs = 60_000;
const finishLookMs = 10;

export type Outcome = { status: "sent"; messageId?: string | undefined } | { status: "failed"; error: string };

/** What came of one try. `again`: after this many milliseconds, or as soon as its lane's group is woken. */
export type Attempt = { kind: "over"; outcome: Outcome } | { kind: "again"; afterMs: number };

/** Tries of one message since the start, by what became of them; its carrier keeps them. `cutOff` ones do not count against it. */
export type Tries = { failed: number; ended: number; cutOff: number };

/** A way out of the process. */
export interface Carrier {
  /** What goes out strictly in order, and what wakes it; `null`: another carrier's. */
  laneOf(id: SessionId, send: OpenSend): { name: string; group: string } | null;
  /** Nothing of the group can go out now: its sessions are left to sleep until it is woken. */
  isBlocked(group: string): boolean;
  attempt(send: OpenSend, state: SessionState, tries: Tries, signal: AbortSignal): Promise<Attempt>;
}

type Queued = {
  readonly id: SessionId;
  readonly requestId: string;
  readonly timestamp: string;
  readonly seq: number;
  readonly tries: Tries;
  /** It went out, and is only not recorded yet. */
  outcome: Outcome | null;
  unrecorded: number;
};

type Lane = {
  readonly carrier: Carrier;
  readonly group: string;
  /** Oldest first; what memory holds of sends that stand in the logs. */
  readonly queue: Queued[];
  readonly known: Set<string>;
  wakes: number;
  wake: () => void;
  /** It waits for a platform, or for another try. */
  isPausing: boolean;
  going: Promise<void> | null;
};

/**
 * Delivers what sessions have in their outboxes: in each lane one after the other, the oldest of all its sessions first,
 * until the log has a `gateway_delivery` for each. No turn waits for it, and a restart begins with what is still open.
 */
export class Outbox {
  private readonly registry: SessionRegistry;
  private readonly carriers: readonly Carrier[];
  private readonly stopping = new AbortController();
  private readonly lanes = new Map<string, Lane>();
  private readonly looked = new WeakMap<LivingSession, readonly OpenSend[]>();
  private isHeld = false;

  constructor(registry: SessionRegistry, carriers: readonly Carrier[]) {
    this.registry = registry;
    this.carriers = carriers;
  }

  /** Nothing goes out until `whole` has settled: before, the oldest of a lane may not be known. */
  holdDuring(whole: Promise<unknown>): void {
    this.isHeld = true;
    const release = (): void => {
      this.isHeld = false;
      for (const [name, lane] of this.lanes) this.begin(name, lane);
    };
    whole.then(release, release);
  }

  /** Takes up what has to go out and is not on its way; cheap where there is nothing. */
  look(session: LivingSession): void {
    const { durable, problem } = session.log;
    if (durable.sends.length === 0 || durable.ended || this.stopping.signal.aborted || problem) return;
    if (this.looked.get(session) === durable.sends) return;
    this.looked.set(session, durable.sends);
    for (const send of durable.sends) {
      for (const carrier of this.carriers) {
        const place = carrier.laneOf(session.id, send);
        if (place) this.queue(carrier, place, session.id, send);
      }
    }
  }

  /** What waits in lanes of this group is tried again now. */
  wake(group: string): void {
    for (const lane of this.lanes.values()) {
      if (lane.group !== group) continue;
      lane.wakes += 1;
      lane.wake();
    }
  }

  /** Waits until what can go out now has, at most `ms`: the last answers of a server that stops are not kept for the next. */
  async finish(ms: number): Promise<void> {
    const { clock } = this.registry.parts;
    const until = clock.monotonic() + ms;
    const isBusy = (): boolean => [...this.lanes.values()].some((lane) => lane.going !== null && !lane.isPausing);
    while (isBusy() && clock.monotonic() < until) await clock.sleep(finishLookMs);
  }

  /** What is being sent is left, and sent again after the next start. */
  async stop(): Promise<void> {
    this.stopping.abort(new Error("the server stops"));
    const lanes = [...this.lanes.values()];
    for (const lane of lanes) lane.wake();
    await Promise.all(lanes.flatMap(({ going }) => going ?? []));
  }

  private queue(carrier: Carrier, place: { name: string; group: string }, id: SessionId, send: OpenSend): void {
    const lane = this.lanes.get(place.name) ?? newLane(carrier, place.group);
    const key = keyOf(id, send.request_id);
    if (lane.known.has(key)) return;
    lane.known.add(key);
    const { request_id: requestId, timestamp, seq } = send;
    const queued = {
      id,
      requestId,
      timestamp,
      seq,
      tries: { failed: 0, ended: 0, cutOff: 0 },
      outcome: null,
      unrecorded: 0,
    };
    // Nearly always the newest.
    const before = lane.queue.findLastIndex((other) => isBefore(other, queued));
    lane.queue.splice(before + 1, 0, queued);
    this.lanes.set(place.name, lane);
    this.begin(place.name, lane);
  }

  private begin(name: string, lane: Lane): void {
    if (!this.isHeld) lane.going ??= this.deliverAll(name, lane);
  }

  private async deliverAll(name: string, lane: Lane): Promise<void> {
    for (let next = lane.queue[0]; next && !this.stopping.signal.aborted; next = lane.queue[0]) {
      const { wakes } = lane;
      const isBlocked = next.outcome === null && lane.carrier.isBlocked(lane.group);
      const againMs = isBlocked ? blockedMs : await this.advance(lane.carrier, next);
      if (againMs !== null) await this.pause(lane, againMs, wakes);
      else {
        lane.queue.splice(lane.queue.indexOf(next), 1);
        lane.known.delete(keyOf(next.id, next.requestId));
      }
    }
    // No await lies between the look at the queue and this, so that what comes after it makes a new lane.
    this.lanes.delete(name);
  }

  /** When to go on with it; `null`: it is done with. */
  private async advance(carrier: Carrier, queued: Queued): Promise<number | null> {
    const { signal } = this.stopping;
    try {
      if (!queued.outcome) {
        const open = await this.open(queued);
        if (!open) return null;
        const attempt = await unlessAborted(carrier.attempt(open.send, open.state, queued.tries, signal), signal);
        if (attempt.kind === "again") return attempt.afterMs;
        queued.outcome = attempt.outcome;
      }
      await this.record(queued, queued.outcome);
      return null;
    } catch (error) {
      if (signal.aborted || isGone(error)) return null;
      const fields = { session_id: queued.id, request_id: queued.requestId, err: error };
      this.registry.parts.log.warn(fields, "an outgoing message could not be delivered or recorded; it is tried again");
      queued.unrecorded += 1;
      return Math.min(recordMaxMs, recordBaseMs * 2 ** (queued.unrecorded - 1));
    }
  }

  /** The send as it stands in its log; `null` where it is settled. */
  private open({ id, requestId }: Queued): Promise<{ send: OpenSend; state: SessionState } | null> {
    return this.registry.with(id, async ({ log }) => {
      const send = log.durable.sends.find((open) => open.request_id === requestId);
      return send && !log.durable.ended ? { send, state: log.durable } : null;
    });
  }

  private record({ id, requestId }: Queued, outcome: Outcome): Promise<unknown> {
    const timestamp = new Date(this.registry.parts.clock.now()).toISOString();
    return this.registry.with(id, (session) =>
      enter(this.registry, session, { type: "record_delivery", timestamp, requestId, ...outcome }),
    );
  }

  private async pause(lane: Lane, ms: number, wakes: number): Promise<void> {
    if (lane.wakes !== wakes || this.stopping.signal.aborted) return;
    lane.isPausing = true;
    await new Promise<void>((resolve) => {
      const cancel = this.registry.parts.clock.after(ms, resolve);
      lane.wake = () => {
        cancel();
        resolve();
      };
    });
    lane.wake = nobodyWaits;
    lane.isPausing = false;
  }
}

const newLane = (carrier: Carrier, group: string): Lane => ({
  carrier,
  group,
  queue: [],
  known: new Set(),
  wakes: 0,
  isPausing: false,
  wake: nobodyWaits,
  going: null,
});

function nobodyWaits(): void {
  // It is on its way, and looks at `wakes` before it waits.
}

const keyOf = (id: SessionId, requestId: string): string => `${id} ${requestId}`;

function isBefore(a: Queued, b: Queued): boolean {
  if (a.timestamp !== b.timestamp) return a.timestamp < b.timestamp;
  return a.id === b.id ? a.seq < b.seq : a.id < b.id;
}

const isGone = (error: unknown): boolean =>
  error instanceof DuragentError && (error.code === "session-not-found" || error.code === "session-ended");

/** What does not listen to the signal goes on alone. Rejects with the signal's reason. */
async function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<"aborted">();
  const onAbort = (): void => aborted.resolve("aborted");
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const first = await Promise.race([work.then((result) => ({ result })), aborted.promise]);
    if (first !== "aborted") return first.result;
    signal.throwIfAborted();
    throw new Error("aborted");
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
