import type { SessionStore } from "../ports/session-store.ts";
import { neededEvents } from "../domain/session/needed-events.ts";
import { modelWindowTokens } from "../domain/prompt/model-window.ts";
import { contextBufferOf } from "./chat-limits.ts";
import { contextStart } from "./model-calls/context-start.ts";
import type { LivingSession } from "./living-session.ts";

/** Writes a snapshot where there is something new in it, and lets go of events that no request needs any more. */
export async function saveSnapshot(session: LivingSession, store: SessionStore): Promise<void> {
  const { log } = session;
  if (log.failure || log.durable.seq === session.eventsAtSnapshot) return;
  session.eventsAtSnapshot = log.durable.seq;
  trim(session);
  if (log.problem) return;
  await store.saveSnapshot(session.lease, session.id, log.snapshot());
}

function trim(session: LivingSession): void {
  const { log, inForce } = session;
  // Not within a turn: how much was left out of its request is told to the model, and must stay the same.
  if (inForce && log.tail.turn === null) {
    const { maxHistoryTokens } = inForce.settings.context;
    const tokens = maxHistoryTokens === 0 ? modelWindowTokens(inForce.agent.definition.spec.model) : maxHistoryTokens;
    // Twice the budget at four bytes a token: estimates are corrected by up to that much.
    log.kept.forgetBefore(contextStart(log.history, log.durable, tokens * 8, overheardFrom(session)));
  }
  thin(session);
}

/** Lets go of events that no request and no look back can tell from nothing. */
export function thin(session: LivingSession): void {
  const { kept } = session.log;
  kept.thin(neededEvents(kept.durable(), overheardFrom(session)));
}

/** The first that the next turn could be shown of what was said in the group: of all where nobody says how much that is. */
function overheardFrom({ log, inForce }: LivingSession): number | null {
  const { gateway, overheard } = log.durable;
  if (!inForce) return overheard[0]?.seq ?? null;
  const count = contextBufferOf(gateway, inForce.agent.definition.spec.access)?.maxMessages ?? 0;
  return count === 0 ? null : (overheard.slice(-count)[0]?.seq ?? null);
}
