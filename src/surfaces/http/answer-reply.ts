import type { Answer, Sent } from "../../runtime/runtime.ts";
import type { SessionId } from "../../schema/ids.ts";
import { DuragentError } from "../../schema/problem.ts";
import { json, type Reply } from "./reply.ts";

/** What `…/messages` answers with. */
export function messageReply(sessionId: SessionId, { messageId, seq }: Sent, answer: Answer): Reply {
  switch (answer.kind) {
    case "ended":
      return json(200, {
        message_id: answer.messageId,
        role: "assistant",
        content: answer.content,
        turn_id: answer.turnId,
        usage: answer.usage,
        outcome: answer.outcome,
        finish_reason: answer.finishReason,
      });
    case "pending_approval":
      return json(202, {
        session_id: sessionId,
        call_id: answer.callId,
        command: answer.command,
        approval_id: answer.approvalId,
        status: "pending_approval",
      });
    case "open":
      return json(202, { message_id: messageId, turn_id: answer.turnId, seq, status: answer.status });
    case "failed":
    case "dropped":
    case "session_ended":
      throw refusal(answer);
  }
}

/** What `…/approve` answers with; `notKept`: why `allow_always` holds for this once only. */
export function approvalReply(answer: Answer, notKept: string | undefined): Reply {
  const more = notKept === undefined ? {} : { not_kept: notKept };
  switch (answer.kind) {
    case "ended":
      return json(200, { status: "complete", message_id: answer.messageId, content: answer.content, ...more });
    case "pending_approval":
      return json(202, {
        status: "pending_approval",
        call_id: answer.callId,
        command: answer.command,
        approval_id: answer.approvalId,
        ...more,
      });
    case "open":
      return json(202, { status: answer.status, turn_id: answer.turnId, ...more });
    case "failed":
    case "dropped":
    case "session_ended":
      throw refusal(answer);
  }
}

function refusal(answer: Extract<Answer, { kind: "failed" | "dropped" | "session_ended" }>): DuragentError {
  switch (answer.kind) {
    case "failed": {
      const { code, message, retryable } = answer.error;
      return new DuragentError(code === "provider-timeout" ? "provider-timeout" : "provider-error", message, {
        retryable,
        extra: { turn_id: answer.turnId, error_code: code },
      });
    }
    case "dropped":
      return new DuragentError("conflict", `The message was dropped: ${answer.reason}.`);
    case "session_ended":
      return new DuragentError("session-ended", "The session ended before the message was answered.");
  }
}
