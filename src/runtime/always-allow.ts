import { pendingCall } from "../domain/session/state.ts";
import { DuragentError } from "../schema/problem.ts";
import { resolveAgent } from "./agent-in-force.ts";
import type { LivingSession } from "./living-session.ts";
import type { RuntimeParts } from "./parts.ts";

type AlwaysAllow = { pattern: string | undefined; keep: () => Promise<void> };

/**
 * What *always allow* would keep for the call that waits, one pattern a line (`undefined`: it can not be kept), and how.
 * Computed from the pending call, never from a request, and kept of the tool as it was asked about. `undefined`: no call
 * waits, or its tool is not there now.
 */
export function alwaysAllow(session: LivingSession): AlwaysAllow | undefined {
  const pending = pendingCall(session.tail);
  const tools = session.inForce?.tools;
  const tool = tools?.tools.find((one) => one.definition.name === pending?.call.tool_name);
  if (!pending || !tools || !tool) return undefined;
  const pattern = tools.pattern(tool, pending.call) || undefined;
  return { pattern, keep: () => tools.allowAlways(tool, pending.call, pending.question.fingerprint) };
}

/** The same for who answers with it: a tool that is not there is looked for anew; `keep` throws `conflict` where it stays away. */
export async function alwaysAllowed(session: LivingSession, parts: RuntimeParts): Promise<AlwaysAllow | undefined> {
  const known = alwaysAllow(session);
  if (known || !pendingCall(session.tail)) return known;
  // A server that has just started has not looked for tools yet.
  if (!session.inForce && !session.runner) await resolveAgent(session, parts);
  await session.inForce?.tools.prepare();
  return alwaysAllow(session) ?? { pattern: undefined, keep: () => Promise.reject(toolMissing()) };
}

const toolMissing = (): DuragentError =>
  new DuragentError("conflict", "its tool can not be used now, so nothing is kept for later; it was allowed this once");
