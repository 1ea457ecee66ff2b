import { pendingCall, type OpenSend, type SessionState } from "../domain/session/state.ts";
import type { Notification } from "../ports/notifier.ts";
import type { Attempt, Carrier } from "./outbox.ts";
import type { RuntimeParts } from "./parts.ts";
import { Slots } from "./slots.ts";

/** Messages on their way to webhooks at the same time, of all sessions. */
const atOnceMax = 16;
const retryBaseMs = 1_000;
const retryMaxMs = 60_000;
const giveUpAfterMs = 24 * 3_600_000;

/** Carries what is for channels of `notify:` to their webhooks; each session's messages to one of them in order. */
export function channelSends({ notifier, clock, log }: Pick<RuntimeParts, "notifier" | "clock" | "log">): Carrier {
  const slots = new Slots(atOnceMax);

  const attempt: Carrier["attempt"] = async (send, state, tries, signal): Promise<Attempt> => {
    const { channel = "" } = send;
    const notification = notificationOf(send, state);
    if (!notification) return { kind: "over", outcome: { status: "failed", error: tooLate } };
    const result = await slots.run(() => notifier.notify(channel, notification, signal), signal);
    if (result.kind === "sent") return { kind: "over", outcome: { status: "sent" } };
    const isOver = result.kind === "refused" || clock.now() - Date.parse(send.timestamp) >= giveUpAfterMs;
    const fields = { session_id: state.sessionId, channel, request_id: send.request_id, detail: result.detail };
    if (isOver) {
      log.warn(fields, "an outgoing message was given up");
      return { kind: "over", outcome: { status: "failed", error: result.detail } };
    }
    log.debug(fields, "an outgoing message was not delivered; it is tried again");
    tries.failed += 1;
    const delayMs = Math.min(retryMaxMs, retryBaseMs * 2 ** (tries.failed - 1));
    return { kind: "again", afterMs: delayMs * (0.5 + clock.random() / 2) };
  };

  return {
    laneOf: (id, { channel }) =>
      channel === undefined ? null : { name: JSON.stringify([id, channel]), group: `channel ${channel}` },
    isBlocked: () => false,
    attempt,
  };
}

/** Why an approval's announcement is not sent any more. */
export const tooLate = "the question was answered before it could be announced";

/** Whether a send asks about something that does not wait for an answer any more. */
export function isAnswered(send: OpenSend, state: SessionState): boolean {
  if (send.kind !== "approval") return false;
  const pending = pendingCall(state);
  return !pending || !send.request_id.endsWith(pending.question.approvalId);
}

/** `null`: it announces a question that does not wait any more. */
function notificationOf(send: OpenSend, state: SessionState): Notification | null {
  const { sessionId, agent } = state;
  if (sessionId === null || isAnswered(send, state)) return null;
  const notification = {
    requestId: send.request_id,
    sessionId,
    agent,
    kind: send.kind,
    content: send.content,
    createdAt: send.timestamp,
  };
  const pending = send.kind === "approval" ? pendingCall(state) : null;
  if (!pending) return notification;
  const { question, call } = pending;
  return {
    ...notification,
    approval: {
      approvalId: question.approvalId,
      callId: call.call_id,
      toolName: call.tool_name,
      command: question.command,
      ...(question.expiresAt === null ? {} : { expiresAt: new Date(question.expiresAt).toISOString() }),
    },
  };
}
