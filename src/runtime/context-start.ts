import type { SessionEvent } from "../schema/session-event.ts";
import type { SessionState } from "../domain/session/state.ts";

/**
 * The first `seq` that the model's context can still need: whole turns from the newest back, of `bytes` in all, and
 * never past a summary, a message that no turn has taken in, or the open turn.
 */
export function contextStart(history: readonly SessionEvent[], state: SessionState, bytes: number): number {
  const first = history[0]?.seq ?? 1;
  let size = 0;
  let start = state.turn?.startSeq ?? state.seq + 1;
  for (const event of history.toReversed()) {
    if (isTurnStart(event)) {
      start = Math.min(start, event.seq);
      if (size > bytes) break;
    }
    size += sizeOf(event);
    if (event === history[0]) start = first;
  }
  const kept = [
    start,
    ...state.waiting.map((message) => message.seq),
    history.findLast((event) => event.type === "context_compacted")?.seq ?? start,
  ];
  // A message that a turn took in stands before its `turn_start`.
  const taken = history.findLast((event) => event.seq < start && (event.type === "turn_end" || event.legacy))?.seq;
  return Math.max(first, Math.min(...kept, (taken ?? first - 1) + 1));
}

const isTurnStart = (event: SessionEvent): boolean =>
  event.type === "turn_start" || (event.legacy === true && event.type === "user_message");

function sizeOf(event: SessionEvent): number {
  if (event.type === "tool_result") return event.result.content.length;
  if (event.type === "assistant_response") return event.content.length + JSON.stringify(event.tool_calls ?? []).length;
  return "content" in event && typeof event.content === "string" ? event.content.length : 0;
}
