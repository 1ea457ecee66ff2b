import assert from "node:assert/strict";

import { eventKinds, type EventDraft, type SessionEvent } from "../../../schema/session-event.ts";

/** An event with its place, and the JSON that stands for it in a log, without its closing brace. */
export type Placed = { event: SessionEvent; openJson: string };

// A NUL or a lone surrogate can not be stored by every backend; JSON.stringify shows each as one of these escapes.
const unstorable = /\\u0000|\\ud[89a-f]/i;

/** Gives drafts their `seq` and, to decisions and outcomes, the epoch of the lease (`null`: there is none). Every backend stores the same text. */
export function placeEvents(drafts: readonly EventDraft[], head: number, epoch: number | null): Placed[] {
  return drafts.map((draft, index) => placeOne(draft, head + 1 + index, epoch));
}

function placeOne(draft: EventDraft, seq: number, epoch: number | null): Placed {
  const kind = eventKinds[draft.type];
  const needsLease = kind === "decision" || kind === "outcome";
  assert.ok(!needsLease || epoch !== null, `${draft.type} is written under a lease only`);
  const { timestamp, type, turn_id, ignorable, ...payload } = draft;
  const ordered = {
    seq,
    timestamp,
    type,
    ...(turn_id !== undefined && { turn_id }),
    ...payload,
    ...(needsLease && epoch !== null && { epoch }),
    ...(ignorable && { ignorable }),
  };
  let json = JSON.stringify(ordered);
  let event = ordered as unknown as SessionEvent;
  if (unstorable.test(json)) {
    event = storable(event) as SessionEvent;
    json = JSON.stringify(event);
  }
  return { event, openJson: json.slice(0, -1) };
}

function storable(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed().replaceAll("\0", "\uFFFD");
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, storable(inner)]));
}

/** The idempotency key that an input carries. A `tool_start` has one too, which is meant for the tool. */
export function keyOf(event: SessionEvent): string | undefined {
  switch (event.type) {
    case "user_message":
    case "silent_message":
    case "control_requested":
    case "approval_decision":
      return event.idempotency_key;
    default:
      return undefined;
  }
}
