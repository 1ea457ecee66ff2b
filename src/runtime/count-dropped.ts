import type { Step } from "../domain/session/step.ts";
import type { LivingSession } from "./living-session.ts";
import type { RuntimeParts } from "./parts.ts";

const toldEveryMs = 60_000;

/**
 * To be called once a drop stands in the log: whoever runs the server is to learn that something was left unanswered. A
 * flood is told of once a minute and reason; the metric counts each.
 */
export function countDropped(
  session: LivingSession,
  { cause, messageIds: { length: count } }: Extract<Step, { type: "drop_messages" }>,
  { metrics, log, clock }: Pick<RuntimeParts, "metrics" | "log" | "clock">,
): void {
  metrics.add("duragent_messages_dropped_total", { reason: cause }, count);
  const told = session.toldDrops.get(cause);
  if (told !== undefined && clock.monotonic() - told < toldEveryMs) return;
  session.toldDrops.set(cause, clock.monotonic());
  log.info({ session_id: session.id, count, reason: cause }, "messages were dropped");
}
