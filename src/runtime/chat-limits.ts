import { queueOf } from "../domain/gateways/access.ts";
import type { SessionState } from "../domain/session/state.ts";
import type { StepLimits } from "../domain/session/step.ts";
import { agentAccessSchema, type AgentAccess, type ChatQueue } from "../schema/agent-access.ts";
import type { RuntimeSettings } from "./parts.ts";
import { targetOfChannel } from "./send-target.ts";

/** In a group nobody may feel asked: a question there does not wait for ever. */
const groupApprovalTimeoutMs = 15 * 60_000;
const hourMs = 3_600_000;
const rejectMessage =
  "Too many messages wait here already, so this one is not answered. Please send it again in a moment.";

const openAccess = agentAccessSchema.parse({});

/** The limits of a session that follow from the chat that it belongs to, or from belonging to none. */
export function chatLimits(
  gateway: SessionState["gateway"],
  access: AgentAccess = openAccess,
  { approvalTimeoutMs, notify }: Pick<RuntimeSettings, "approvalTimeoutMs" | "notify">,
): Pick<StepLimits, "approvalTimeoutMs" | "announceTo" | "queue" | "contextBuffer"> {
  if (!gateway) {
    const announceTo = notify.default === null ? null : (targetOfChannel(notify, notify.default) ?? null);
    return { approvalTimeoutMs, announceTo, queue: null, contextBuffer: null };
  }
  const isGroup = gateway.chatType === "group";
  return {
    approvalTimeoutMs: approvalTimeoutMs ?? (isGroup ? groupApprovalTimeoutMs : null),
    announceTo: null,
    queue: queueRules(queueOf(access, gateway.chatType)),
    contextBuffer: contextBufferOf(gateway, access),
  };
}

/** What a turn in a group is shown of what was said there meanwhile; `null`: it is in none. */
export function contextBufferOf(
  gateway: SessionState["gateway"],
  { groups }: AgentAccess = openAccess,
): StepLimits["contextBuffer"] {
  if (gateway?.chatType !== "group") return null;
  const { max_messages: maxMessages, max_age_hours: maxAgeHours } = groups.context_buffer;
  return { maxMessages, maxAgeMs: maxAgeHours * hourMs };
}

const queueRules = (queue: ChatQueue): StepLimits["queue"] => ({
  mode: queue.mode,
  maxPending: queue.max_pending,
  overflow: queue.overflow,
  rejectMessage: queue.reject_message?.trim() || rejectMessage,
});
