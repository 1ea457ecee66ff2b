import type { Clock } from "../../../../ports/clock.ts";
import type { Appended, Lease } from "../../../../ports/session-store.ts";
import type { SessionId } from "../../../../schema/ids.ts";
import type { EventDraft, SessionEvent } from "../../../../schema/session-event.ts";
import type { InProcessSessions } from "../in-process-sessions.ts";
import { placeEvents } from "../place-events.ts";
import { fruitlessOpensMax } from "./opens-file.ts";
import type { FruitlessOpens } from "./fruitless-opens.ts";
import type { SessionLog } from "./session-log.ts";

export type AppendFacts = {
  clock: Clock;
  process: InProcessSessions;
  opens: FruitlessOpens;
  log: (id: SessionId) => Promise<SessionLog>;
  /** Still the one object for its session: a log that was let go of must not be written through. */
  isCurrent: (log: SessionLog) => boolean;
  /** A write did not reach the disk. */
  failed: () => void;
};

export type AppendRequest = {
  lease?: Lease;
  expectedHead?: number;
  idempotencyKey?: string;
  /** Decide with what came after this event, in the log's own queue. */
  after?: number;
  decide: (news: SessionEvent[]) => EventDraft[];
};

/** Gives events their place, or says why not. Between looking and placing there is no `await`. */
export async function appendToLog(facts: AppendFacts, id: SessionId, request: AppendRequest): Promise<Appended> {
  if (!request.lease && facts.opens.knownCount(id) === undefined) await facts.opens.count(id);
  let news: SessionEvent[] = [];
  for (;;) {
    const log = await facts.log(id);
    if (!facts.isCurrent(log)) continue;
    const first =
      request.idempotencyKey === undefined ? undefined : log.keys.find(request.idempotencyKey, facts.clock.now());
    if (first !== undefined) {
      const duplicate = await asDuplicate(log, first);
      if (duplicate) return duplicate;
      continue;
    }
    const error = log.refusal() ?? (request.lease ? null : log.crowd());
    if (error) return { kind: "unavailable", error };
    if (request.after !== undefined) {
      // Durable events come from the file; what has arrived meanwhile is in memory, so the last look needs no `await`.
      news = await durableAfter(log, request.after);
      if (!facts.isCurrent(log)) continue;
      const seen = news.at(-1)?.seq ?? request.after;
      if (seen < log.durable.head) continue;
      news.push(...log.pendingAfter(seen));
    }
    return place(facts, log, request, news);
  }
}

function place(facts: AppendFacts, log: SessionLog, request: AppendRequest, news: SessionEvent[]): Appended {
  const { lease, expectedHead } = request;
  if (lease && !(lease.sessionId === log.id && facts.process.leases.holds(lease))) return { kind: "fenced" };
  if (log.tail.ended) return { kind: "ended" };
  if (expectedHead !== undefined && expectedHead !== log.tail.head) return { kind: "conflict", head: log.tail.head };
  const drafts = request.decide(news);
  if (drafts.length === 0) return { kind: "appended", events: [], durable: Promise.resolve() };
  const placed = placeEvents(drafts, log.tail.head, lease?.epoch ?? null);
  const durable = log.append(placed);
  durable.then(
    () => facts.opens.noteOutcome(log.id, log.durable.outcomeSeq),
    () => facts.failed(),
  );
  if (!lease) inputCame(facts, log.id);
  return { kind: "appended", events: placed.map((one) => one.event), durable };
}

function inputCame(facts: AppendFacts, id: SessionId): void {
  facts.process.wakeUp(id);
  // A message gives a session that kept killing its process another chance.
  if ((facts.opens.knownCount(id) ?? 0) >= fruitlessOpensMax) facts.opens.reset(id).catch(onlyABrake);
}

// `null`: the first event with the key was thrown away meanwhile, so there is none.
async function asDuplicate(log: SessionLog, seq: number): Promise<Appended | null> {
  const durable = seq > log.durable.head ? log.settled() : Promise.resolve();
  const event = await log.event(seq);
  return event ? { kind: "duplicate", event, durable } : null;
}

async function durableAfter(log: SessionLog, after: number): Promise<SessionEvent[]> {
  const events: SessionEvent[] = [];
  for await (const event of log.read({ after, limit: Number.MAX_SAFE_INTEGER, backwards: false })) events.push(event);
  return events;
}

function onlyABrake(): void {
  // The count stays on disk and is reset by the next outcome.
}
