import type { SessionEvent } from "../../schema/session-event.ts";
import type { SessionState } from "../../domain/session/state.ts";
import { textUnits } from "../kept-events.ts";

/** What stands around a message: 4 tokens. */
const messageUnits = 16;

/**
 * The first `seq` that the model's context can still need: from a place between turns on, so many of the newest turns as
 * `bytes` of text hold, with every message that they, or no turn yet, took in, and the newest summary. `overheardFrom`:
 * the first of what was said in the group that the next turn would be shown.
 */
export function contextStart(
  history: readonly SessionEvent[],
  state: SessionState,
  bytes: number,
  overheardFrom: number | null = null,
): number {
  const first = history[0]?.seq ?? 1;
  const boundary = turnBoundary(history, state, bytes);
  const summary = history.findLast((event) => event.type === "context_compacted")?.seq ?? boundary;
  const untaken = state.waiting.map((message) => message.seq);
  const overheard = [overheardFrom, contextAt(history, boundary)].filter((seq) => seq !== null);
  return Math.max(first, Math.min(boundary, summary, ...untaken, ...untakenAt(history, boundary), ...overheard));
}

/** Messages from before the boundary that a turn after it took in: they waited through the turn that ended there. */
function untakenAt(history: readonly SessionEvent[], boundary: number): number[] {
  const waiting = new Map<string, { seq: number; steers: boolean }>();
  let passive: number[] = [];
  for (const event of history) {
    if (event.seq >= boundary) break;
    if (event.type === "user_message" && !event.legacy)
      waiting.set(event.message_id, { seq: event.seq, steers: event.delivery === "steer" });
    if (event.type === "silent_message" && event.disposition === "passive" && !event.context) passive.push(event.seq);
    // Told with the next request, whatever else it takes in.
    if (event.type === "turn_start" || event.type === "assistant_response") passive = [];
    if (event.type === "turn_start" || event.type === "messages_dropped")
      for (const id of event.message_ids) waiting.delete(id);
    if (event.type === "assistant_response")
      for (const [id, { seq, steers }] of waiting) if (steers && seq <= event.through_seq) waiting.delete(id);
  }
  return [...[...waiting.values()].map(({ seq }) => seq), ...passive.slice(0, 1)];
}

/** What was said in the group while the turn before the boundary worked is shown by the first after it. */
function contextAt(history: readonly SessionEvent[], boundary: number): number | null {
  const next = history.find((event) => event.type === "turn_start" && event.seq >= boundary);
  return next?.type === "turn_start" ? (next.context_from ?? null) : null;
}

/**
 * The newest place beyond which there are `bytes` of text and at which no turn works: right after the end of one, or in what
 * was said to nobody before the next. The history's beginning if there is none.
 */
function turnBoundary(history: readonly SessionEvent[], state: SessionState, bytes: number): number {
  const newest = history.findLast(({ type }) => type === "turn_start" || type === "turn_end")?.type;
  let works = newest === undefined ? state.turn !== null : newest === "turn_start";
  let size = 0;
  for (let index = history.length - 1; index >= 0; index -= 1) {
    const event = history[index];
    if (!event) break;
    const ends = endsTurn(event);
    if (size > bytes && (ends || !works)) return event.seq + 1;
    size += sizeOf(event);
    if (ends) works = true;
    else if (event.type === "turn_start") works = false;
  }
  return history[0]?.seq ?? 1;
}

const endsTurn = (event: SessionEvent): boolean =>
  event.type === "turn_end" ||
  (event.legacy === true && event.type === "assistant_response" && !event.tool_calls?.length);

/** Of what takes part in a request: as many units as its tokens are estimated to have bytes, at the least. */
function sizeOf(event: SessionEvent): number {
  const units = textUnits(event);
  return units === 0 ? 0 : units + messageUnits;
}
