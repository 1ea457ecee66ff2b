import type { SessionId } from "../../schema/ids.ts";
import type { EventDraft, SessionEvent } from "../../schema/session-event.ts";

type Fork = {
  sessionId: SessionId;
  timestamp: string;
  /** Whole turns up to this `seq`; the rest is left behind. */
  atSeq: number;
};

/**
 * The first events of a session that begins as another stood at a turn's end: the conversation as new events, without
 * gateway, sends, approvals, keys or messages that no turn took in. It does not need its parent later.
 */
export function forkEvents(events: readonly SessionEvent[], fork: Fork): EventDraft[] {
  const start = events.find((event) => event.type === "session_start");
  const lastEnd = events.findLast((event) => isTurnBoundary(event) && event.seq <= fork.atSeq)?.seq ?? 0;
  const kept = events.filter((event) => event.seq <= lastEnd && isConversation(event));
  const taken = takenIn(kept);
  const drafts: EventDraft[] = [
    {
      timestamp: fork.timestamp,
      type: "session_start",
      format: 1,
      session_id: fork.sessionId,
      agent: start?.agent ?? "",
      on_disconnect: start?.on_disconnect ?? "pause",
      labels: start?.labels,
      parent: { session_id: start?.session_id ?? fork.sessionId, seq: lastEnd },
      agent_spec: start?.agent_spec,
    },
  ];
  const newSeq = new Map<number, number>();
  for (const event of kept) {
    if (event.type === "user_message" && !event.legacy && !taken(event.message_id, event.seq, event.delivery)) continue;
    drafts.push(copied(event, (seq) => lastAtOrBefore(newSeq, seq)));
    newSeq.set(event.seq, drafts.length);
  }
  return drafts;
}

const isTurnBoundary = (event: SessionEvent): boolean =>
  event.type === "turn_end" || (event.legacy === true && event.type === "assistant_response" && !event.tool_calls?.length);

const conversationTypes = new Set<SessionEvent["type"]>([
  "user_message",
  "silent_message",
  "turn_start",
  "assistant_response",
  "tool_result",
  "tools_skipped",
  "turn_end",
  "context_compacted",
]);

const isConversation = (event: SessionEvent): boolean => conversationTypes.has(event.type);

function takenIn(events: readonly SessionEvent[]) {
  const ids = new Set<string>();
  let steeredThrough = 0;
  for (const event of events) {
    if (event.type === "turn_start") for (const id of event.message_ids) ids.add(id);
    if (event.type === "assistant_response") steeredThrough = Math.max(steeredThrough, event.through_seq);
  }
  return (messageId: string, seq: number, delivery: string): boolean =>
    ids.has(messageId) || (delivery === "steer" && seq <= steeredThrough);
}

function copied(event: SessionEvent, seqNow: (seq: number) => number): EventDraft {
  const { seq: _seq, epoch: _epoch, legacy: _legacy, ...rest } = event;
  switch (rest.type) {
    case "user_message":
      return { ...rest, idempotency_key: undefined };
    case "silent_message":
      return { ...rest, idempotency_key: undefined };
    case "assistant_response":
      return { ...rest, through_seq: seqNow(rest.through_seq) };
    case "context_compacted":
      return { ...rest, through_seq: seqNow(rest.through_seq) };
    default:
      return rest;
  }
}

function lastAtOrBefore(newSeq: ReadonlyMap<number, number>, seq: number): number {
  let found = 1;
  for (const [before, now] of newSeq) if (before <= seq) found = now;
  return found;
}
