import type { SessionStore } from "../ports/session-store.ts";
import { neededEvents } from "../domain/session/needed-events.ts";
import { modelWindowTokens } from "../domain/prompt/model-window.ts";
import type { SessionState } from "../domain/session/state.ts";
import type { AgentAccess } from "../schema/agent-access.ts";
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

/** Lets go of events that nothing needs any more. */
export function trim({ log, inForce }: LivingSession): void {
  const overheard = overheardFrom(log.durable, inForce?.agent.definition.spec.access);
  if (inForce) {
    const { maxHistoryTokens } = inForce.settings.context;
    const tokens = maxHistoryTokens === 0 ? modelWindowTokens(inForce.agent.definition.spec.model) : maxHistoryTokens;
    // Twice the budget at four bytes a token: estimates are corrected by up to that much.
    log.kept.forgetBefore(contextStart(log.history, log.durable, tokens * 8, overheard));
  }
  log.kept.thin(neededEvents(log.kept.durable(), overheard));
}

/** The first that the next turn could be shown of what was said in the group. */
function overheardFrom({ gateway, overheard }: SessionState, access: AgentAccess | undefined): number | null {
  const count = contextBufferOf(gateway, access)?.maxMessages ?? 0;
  return count === 0 ? null : (overheard.slice(-count)[0]?.seq ?? null);
}
