import type { SessionId, TurnId } from "../../schema/ids.ts";
import type { EventDraft, EventOf, SessionEvent } from "../../schema/session-event.ts";
import { addUsage, emptyUsage } from "./state.ts";

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
  const taken = takenIn(events.filter((event) => event.seq <= lastEnd));
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
  const copies: [before: number, now: number][] = [];
  for (const event of inTurns(kept)) {
    if (event.type === "user_message" && !taken(event)) continue;
    drafts.push(copied(event, (seq) => copies.findLast(([before]) => before <= seq)?.[1] ?? 1));
    copies.push([event.seq, drafts.length]);
  }
  return drafts;
}

const isTurnBoundary = (event: SessionEvent): boolean =>
  event.type === "turn_end" ||
  (event.legacy === true && event.type === "assistant_response" && !event.tool_calls?.length);

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

/** Another implementation wrote no turns: each user's message begins one, so that the copy has nothing that waits. */
function inTurns(events: readonly SessionEvent[]): SessionEvent[] {
  const out: SessionEvent[] = [];
  let open: EventOf<"turn_start"> | null = null;
  let usage = emptyUsage;
  let last = 0;
  const end = (): void => {
    if (!open) return;
    const { turn_id, timestamp } = open;
    out.push({ seq: last, timestamp, type: "turn_end", turn_id, outcome: "completed", usage });
    open = null;
  };
  const start = (event: EventOf<"user_message" | "assistant_response">): void => {
    const { seq, timestamp, message_id: messageId } = event;
    // The message's own ULID: unique, and the same whenever it is read.
    const turnId = `turn_${messageId.slice(messageId.indexOf("_") + 1)}` as TurnId;
    const taken = event.type === "user_message" ? [messageId] : [];
    open = { seq, timestamp, type: "turn_start", turn_id: turnId, message_ids: taken, agent_digest: "" };
    usage = emptyUsage;
    out.push(open);
  };
  for (const event of events) {
    if (!event.legacy || event.type === "user_message") end();
    if (event.legacy && event.type === "assistant_response") {
      if (!open) start(event);
      usage = addUsage(usage, event.usage);
    }
    out.push(event);
    last = event.seq;
    if (event.legacy && event.type === "user_message") start(event);
  }
  end();
  return out;
}

function takenIn(events: readonly SessionEvent[]): (message: EventOf<"user_message">) => boolean {
  const ids = new Set<string>();
  const dropped = new Set<string>();
  let steeredThrough = 0;
  for (const event of events) {
    if (event.type === "turn_start") for (const id of event.message_ids) ids.add(id);
    if (event.type === "messages_dropped") for (const id of event.message_ids) dropped.add(id);
    if (event.type === "assistant_response") steeredThrough = Math.max(steeredThrough, event.through_seq);
  }
  return ({ legacy, message_id: id, seq, delivery }) =>
    legacy === true || ids.has(id) || (delivery === "steer" && seq <= steeredThrough && !dropped.has(id));
}

function copied(event: SessionEvent, seqNow: (seq: number) => number): EventDraft {
  const { seq: _seq, epoch: _epoch, legacy: _legacy, ...rest } = event;
  switch (rest.type) {
    case "user_message":
      return { ...rest, idempotency_key: undefined };
    case "silent_message":
      return { ...rest, idempotency_key: undefined };
    case "turn_start":
      // Notes are a file of the other session: this one begins without.
      return {
        ...rest,
        notes: undefined,
        context_from: rest.context_from === undefined ? undefined : seqNow(rest.context_from),
      };
    case "assistant_response":
      return { ...rest, through_seq: seqNow(rest.through_seq) };
    case "context_compacted":
      return { ...rest, through_seq: seqNow(rest.through_seq) };
    default:
      return rest;
  }
}
