import type { Step } from "../domain/session/step.ts";
import type { SessionId } from "../schema/ids.ts";
import type { RuntimeParts } from "./parts.ts";

/** To be called once a drop stands in the log: whoever runs the server is to learn that something was left unanswered. */
export function countDropped(
  id: SessionId,
  { cause, messageIds: { length: count } }: Extract<Step, { type: "drop_messages" }>,
  { metrics, log }: Pick<RuntimeParts, "metrics" | "log">,
): void {
  metrics.add("duragent_messages_dropped_total", { reason: cause }, count);
  log.info({ session_id: id, count, reason: cause }, "messages were dropped");
}
