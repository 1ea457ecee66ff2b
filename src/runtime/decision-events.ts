import type { ApprovalId, TurnId } from "../schema/ids.ts";
import type { EventDraft } from "../schema/session-event.ts";
import { guardPrefix } from "../domain/hooks/guard.ts";
import type { SessionState } from "../domain/session/state.ts";
import type { Step, TurnClose } from "../domain/session/step.ts";
import { unknownOutcome } from "../domain/session/conversation.ts";
import { questionEvents } from "./question-events.ts";
import { chatOf } from "./send-target.ts";

/** `digest`: SHA-256 of a text, 64 hex digits. */
type Making = { timestamp: string; ulid: () => string; workerId: string; digest: (text: string) => string };
type Base = { timestamp: string; turn_id: TurnId | undefined };

/** The events that record a step without an effect. Steps that touch the world are performed, not recorded. */
export function decisionEvents(state: SessionState, step: Step, making: Making): EventDraft[] {
  const { timestamp } = making;
  const turnId = state.turn?.id;
  const base = { timestamp, turn_id: turnId };
  switch (step.type) {
    case "take_up_turn":
      return [{ ...base, type: "turn_resumed", attempt: step.attempt, cause: step.cause, worker_id: making.workerId }];
    case "request_approval":
      return questionEvents(state, step, base, {
        approvalId: `appr_${making.ulid()}` as ApprovalId,
        digest: making.digest,
      });
    case "deny_call":
      return [toolResult(base, step.call.call.call_id, "denied", deniedText(step.why))];
    case "expire_approval":
      return [
        {
          ...base,
          type: "approval_decision",
          approval_id: step.question.approvalId,
          call_id: step.call.call.call_id,
          decision: "deny",
          decided_by: "expiry",
        },
      ];
    case "skip_tools":
      return [{ ...base, type: "tools_skipped", call_ids: step.callIds, reason: step.reason }];
    case "recover_tool":
      return [toolResult(base, step.call.call.call_id, "interrupted", unknownOutcome)];
    case "cancel_turn":
    case "end_turn":
      return closing(state, step, base);
    case "record_send":
      return [
        {
          timestamp,
          turn_id: step.text.turnId,
          type: "gateway_send",
          request_id: step.text.requestId,
          kind: step.text.kind,
          ...chatOf(state),
          content: step.text.content,
          reply_to: step.text.replyTo,
          thread_id: step.text.threadId,
          edits: step.text.edits,
        },
      ];
    case "pause":
    case "resume":
      return [{ timestamp, type: "status_change", from: step.from, to: step.to, cause: step.cause }];
    case "drop_messages":
      return [
        // First: a write that is cut tells a sender of a drop that then follows, never drops without a word.
        ...step.notices.map((notice): EventDraft => ({
          timestamp,
          type: "gateway_send",
          request_id: notice.requestId,
          kind: "notice",
          ...chatOf(state),
          content: notice.content,
          reply_to: notice.replyTo,
          thread_id: notice.threadId,
        })),
        { timestamp, type: "messages_dropped", message_ids: step.messageIds, reason: step.reason },
      ];
    case "fail_sends":
      return step.requestIds.map((requestId) => ({
        timestamp,
        type: "gateway_delivery",
        request_id: requestId,
        status: "failed",
        error: "the session ended before it could be sent",
      }));
    case "end_session": {
      const end: EventDraft = { timestamp, type: "session_end", reason: step.reason };
      // A crash between the two has left the first of them.
      if (step.from === "ended") return [end];
      return [{ timestamp, type: "status_change", from: step.from, to: "ended", cause: "end" }, end];
    }
    default:
      return [];
  }
}

/** A sentence for the model. */
function deniedText(why: string): string {
  if (why.startsWith(guardPrefix)) return why;
  const text = /^(?:denied|nobody)/.test(why) ? `${why.slice(0, 1).toUpperCase()}${why.slice(1)}` : `Denied: ${why}`;
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function closing(state: SessionState, close: TurnClose, base: Base): EventDraft[] {
  const skipped = close.settle.filter((call) => call.as === "skipped").map((call) => call.callId);
  const events: EventDraft[] = close.settle
    .filter((call) => call.as !== "skipped")
    .map((call) =>
      call.as === "cancelled"
        ? toolResult(
            base,
            call.callId,
            "cancelled",
            `Cancelled while it ran: ${close.reason}. It may have taken effect.`,
          )
        : toolResult(base, call.callId, "interrupted", unknownOutcome),
    );
  if (skipped.length > 0) events.push({ ...base, type: "tools_skipped", call_ids: skipped, reason: close.reason });
  events.push({
    ...base,
    type: "turn_end",
    outcome: close.outcome,
    error: close.error && { code: close.error.code, message: close.error.message, retryable: close.error.retryable },
    notice: close.notice,
    usage: state.turn?.usage ?? { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
  });
  return events;
}

function toolResult(
  base: Base,
  callId: string,
  outcome: "denied" | "cancelled" | "interrupted",
  content: string,
): EventDraft {
  return {
    ...base,
    type: "tool_result",
    call_id: callId,
    result: { success: false, content, outcome },
    duration_ms: 0,
  };
}
