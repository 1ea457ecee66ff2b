import { pendingCall } from "../domain/session/state.ts";
import type { LivingSession } from "./living-session.ts";

/**
 * What *always allow* would keep for the call that waits, one pattern a line (`undefined`: it can not be kept), and how.
 * Computed from the pending call, never from a request. `undefined`: no call waits, or its tool is not there now.
 */
export function alwaysAllow(
  session: LivingSession,
): { pattern: string | undefined; keep: () => Promise<void> } | undefined {
  const pending = pendingCall(session.tail);
  const tools = session.inForce?.tools;
  const tool = tools?.tools.find((one) => one.definition.name === pending?.call.tool_name);
  if (!pending || !tools || !tool) return undefined;
  const pattern = tools.pattern(tool, pending.call) || undefined;
  return { pattern, keep: () => tools.allowAlways(tool, pending.call) };
}
