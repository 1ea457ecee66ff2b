import type { EventOf, SessionEvent } from "../../schema/session-event.ts";
import { isRejection } from "./evolve-chat.ts";
import { heardMessages } from "./group-context.ts";

/**
 * Which events of a log (in order; all of one from a turn boundary on, or what was needed of them before) a later look
 * back can tell from nothing: `conversation`, and whoever asks what the open turn has done. What a flood leaves behind
 * while a turn is open is not among them. `overheardFrom`: the first of what was said in the group that the next turn is shown.
 */
export function neededEvents(
  events: readonly SessionEvent[],
  overheardFrom: number | null,
): (event: SessionEvent) => boolean {
  const dropped = new Set(events.flatMap((event) => (event.type === "messages_dropped" ? event.message_ids : [])));
  const heard = new Set<SessionEvent>(heardOf(events, overheardFrom));
  return (event) => {
    if (event.legacy) return true;
    switch (event.type) {
      case "user_message":
        return !dropped.has(event.message_id);
      case "silent_message":
        return heard.has(event);
      case "gateway_send":
        // A tool that is run again must not notify twice.
        return event.kind === "notice" && !isRejection(event);
      case "turn_start":
      case "turn_end":
      case "assistant_response":
      case "tool_result":
      case "tools_skipped":
      case "context_compacted":
      case "usage_recorded":
      case "process_started":
      case "process_ended":
      case "error":
        return true;
      default:
        return false;
    }
  };
}

/** What was said to nobody, and is told to the model with the next request, or as context of a turn. */
function heardOf(events: readonly SessionEvent[], overheardFrom: number | null): EventOf<"silent_message">[] {
  const found: EventOf<"silent_message">[] = [];
  let passive: EventOf<"silent_message">[] = [];
  let context: EventOf<"silent_message">[] = [];
  const told = (): void => {
    found.push(...heardMessages(passive));
    passive = [];
  };
  const shown = (from: number | null | undefined): void => {
    if (typeof from === "number") found.push(...context.filter(({ seq }) => seq >= from));
    context = [];
  };
  for (const event of events) {
    if (event.type === "silent_message" && event.context) context.push(event);
    else if (event.type === "silent_message" && event.disposition === "passive") passive.push(event);
    if (event.type === "turn_start") shown(event.context_from);
    if (event.type === "turn_start" || event.type === "assistant_response") told();
  }
  told();
  shown(overheardFrom);
  return found;
}
